/** Where photos come from: a file is chosen, dropped on the page, or pasted. */

/**
 * Calls `take` with each file that comes.
 * @param input, button the field for files, and the button that opens it
 * @param sheet what shows that a file would be taken
 */
export function listenForFiles({ input, button, sheet, take }) {
  const first = (files) => files.length && take(files[0]);
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    first(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", ({ clipboardData }) => first(clipboardData.files));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    sheet.classList.add("over");
  });
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? sheet.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    sheet.classList.remove("over");
    first(event.dataTransfer.files);
  });
}
