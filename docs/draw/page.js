/** The page: what is written or dropped goes to the reader, what was read is shown. */

import { sentence, showMarks, showNumbers, showStrips } from "./answer.js";
import { addExamples, showWritten } from "./examples.js";
import { listenForFiles } from "./files.js";
import { loadPhoto } from "./photo.js";
import { Question } from "./question.js";
import { Sheet } from "./sheet.js";
import { example } from "./strokes.js";

const at = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const NOTHING = { numbers: [] };
let answer = NOTHING, asked = null; // what was read, and the picture that was given to the reader

/** Shows what was read, in the colours of the day. */
function show() {
  const colours = Object.fromEntries(["ink", "sheet", "edge", "seen"].map((name) => [name, colour(name)]));
  showNumbers(at("answer"), answer.numbers, answer.least);
  showMarks(at("marks"), asked, answer, at("looked").checked, colours.seen);
  showStrips(at("strips"), answer.numbers, colours);
  showWritten(colours.ink);
  at("how").hidden = !answer.numbers.some(({ strip }) => strip);
}

/** A line below the answer, and the same or more for those who hear the page. */
function say(text, heard = text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
  at("said").textContent = heard;
}

const question = new Question({
  ready: () => asked ?? say(""),
  failed: (error) => say(error, error, true),
  answered(told, milliseconds) {
    answer = told;
    show();
    if (at("status").classList.contains("wrong")) return; // a file that came meanwhile was no image: that stays said
    const found = answer.numbers.length ? "" : "No number was found. ";
    say(`${found}Read in ${Math.round(milliseconds)} ms.`, sentence(answer.numbers));
  },
});

const sheet = new Sheet(at("paper"), () => {
  const picture = sheet.isEmpty ? null : sheet.picture();
  at("undo").disabled = !sheet.before.length;
  at("clear").disabled = sheet.isEmpty;
  at("sheet").classList.toggle("used", !sheet.isEmpty);
  at("sheet").classList.toggle("photo", Boolean(sheet.now.photo));
  if (picture?.width !== asked?.width || picture?.height !== asked?.height) at("marks").replaceChildren();
  asked = picture;
  at("status").classList.remove("wrong");
  if (picture) return question.ask(picture);
  question.forget();
  answer = NOTHING;
  show();
  say("");
});

async function take(file) {
  try {
    sheet.showPhoto(await loadPhoto(file));
  } catch (error) {
    say(error.message, error.message, true);
  }
}

at("undo").addEventListener("click", () => sheet.undo());
at("clear").addEventListener("click", () => sheet.clear());
at("looked").addEventListener("change", show);
addEventListener("resize", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
addEventListener("keydown", (event) => {
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  sheet.undo();
});
listenForFiles({ input: at("file"), button: at("choose"), sheet: at("sheet"), take });
addExamples(at("examples"), () => sheet.showStrokes(example(sheet.shape)), take);
show();
