/** The page: what is drawn or dropped goes to the reader, what was read is shown. */

import { sentence, showMarks, showNumbers, showStrips } from "./answer.js";
import { loadPhoto } from "./photo.js";
import { Question } from "./question.js";
import { Sheet } from "./sheet.js";
import { drawStrokes, example } from "./strokes.js";

const at = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

let shown = null; // the last answer and its picture

/** Draws the example that is made of strokes. */
function showWritten() {
  const pen = small.getContext("2d");
  pen.reset();
  pen.strokeStyle = colour("ink");
  drawStrokes(pen, example(small.height / small.width), small.width);
}

/** Shows an answer, or that there is none. */
function show() {
  const answer = shown?.answer ?? { numbers: [] };
  showNumbers(at("answer"), answer.numbers, answer.least);
  if (shown) showMarks(at("marks"), shown.picture, answer, at("looked").checked, colour("seen"));
  else at("marks").replaceChildren();
  const colours = Object.fromEntries(["ink", "sheet", "edge", "seen"].map((name) => [name, colour(name)]));
  showStrips(at("strips"), answer.numbers, colours);
  at("how").hidden = !answer.numbers.some(({ strip }) => strip);
}

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

const question = new Question((told) => {
  document.documentElement.dataset.ready = "";
  if (!told) return sheet.isEmpty && say("");
  shown = { ...told, picture: asked };
  show();
  at("said").textContent = sentence(told.answer.numbers);
  const found = told.answer.numbers.length ? "" : "No number was found. ";
  say(`${found}Read in ${Math.round(told.milliseconds)} ms.`);
}, (error) => say(error, true));

let asked = null;
const sheet = new Sheet(at("paper"), () => {
  at("undo").disabled = !sheet.before.length;
  at("clear").disabled = sheet.isEmpty;
  at("sheet").classList.toggle("used", !sheet.isEmpty);
  at("sheet").classList.toggle("photo", Boolean(sheet.now.photo));
  if (sheet.isEmpty) {
    shown = asked = null;
    question.forget();
    show();
    say("");
  } else {
    asked = sheet.picture();
    question.ask(asked);
  }
});

async function take(file) {
  try {
    sheet.showPhoto(await loadPhoto(file));
  } catch (error) {
    say(error.message, true);
  }
}

at("undo").onclick = () => sheet.undo();
at("clear").onclick = () => sheet.clear();
at("choose").onclick = () => at("file").click();
at("file").onchange = ({ target }) => {
  if (target.files.length) take(target.files[0]);
  target.value = "";
};
at("looked").onchange = show;
addEventListener("resize", show);
addEventListener("keydown", (event) => {
  if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    sheet.undo();
  }
});
addEventListener("paste", ({ clipboardData }) => clipboardData.files.length && take(clipboardData.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  at("sheet").classList.add("over");
});
addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? at("sheet").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  at("sheet").classList.remove("over");
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
});

/** A button with a small picture. */
function addExample(name, picture, chosen) {
  const button = Object.assign(document.createElement("button"), { type: "button", onclick: chosen });
  button.append(picture, name);
  const item = document.createElement("li");
  item.append(button);
  at("examples").append(item);
}

const small = Object.assign(document.createElement("canvas"), { width: 208, height: 136 });
addExample("Written", small, () => sheet.showStrokes(example(sheet.shape)));
for (const { name, file } of await (await fetch("examples/examples.json")).json()) {
  const picture = Object.assign(new Image(), { src: file, alt: "" });
  addExample(name, picture, async () => take(await (await fetch(file)).blob()));
}
showWritten();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  showWritten();
  show();
});
