/** The examples: one is written by code, the others are made pictures that the build draws. */

import { drawStrokes, example } from "./strokes.js";

const small = Object.assign(document.createElement("canvas"), { width: 208, height: 136 });

/** Draws the written example on its button, in the colour of ink. */
export function showWritten(colour) {
  small.width = small.width; // empties it
  const context = small.getContext("2d");
  context.strokeStyle = colour;
  drawStrokes(context, example(small.height / small.width), small.width);
}

/** A button with a small picture. */
function button(name, picture, chosen) {
  const one = Object.assign(document.createElement("button"), { type: "button", onclick: chosen });
  const item = document.createElement("li");
  one.append(picture, name);
  item.append(one);
  return item;
}

/**
 * Puts a button per example on a list.
 * @param write called when the written example is chosen
 * @param take called with the file of another one
 */
export async function addExamples(list, write, take) {
  list.append(button("Written", small, write));
  for (const { name, file } of await (await fetch("examples/examples.json")).json()) {
    const picture = Object.assign(new Image(), { src: file, alt: "" });
    list.append(button(name, picture, async () => take(await (await fetch(file)).blob())));
  }
}
