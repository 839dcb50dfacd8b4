/** How an answer is shown: digits, boxes, and where the reader looked. */

import { bestPath } from "./strips.js";

const SVG = "http://www.w3.org/2000/svg";
const CHECK = "M3 9l4 4 8-9", ASK = "M5 6a4 4 0 1 1 5.5 3.7C9.4 10.2 9 11 9 12M9 15.5v.1";

const percent = (share) => (share > 0.9995 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`);

/** An element with attributes and children. */
function element(name, attributes = {}, ...children) {
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}

function svg(name, attributes, ...children) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}

/** A digit with the probability that it is right. */
function digit(text, share, least) {
  const fill = element("i");
  fill.style.width = `${100 * share}%`;
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, fill);
  const parts = [element("b", {}, text), bar, element("small", {}, percent(share))];
  return element("li", share < least ? { class: "low" } : {}, ...parts);
}

/** One number in large digits. */
function figure({ text, digits, confidence, sure }, least) {
  const icon = svg("svg", { viewBox: "0 0 18 18", "aria-hidden": "true" }, svg("path", { d: sure ? CHECK : ASK }));
  const caption = element("figcaption", {}, icon, `${sure ? "sure" : "not sure"}, ${percent(confidence)}`);
  const list = element("ol", { class: "digits" }, ...[...text].map((one, k) => digit(one, digits[k], least)));
  return element("figure", { class: sure ? "number" : "number unsure", "aria-label": text }, list, caption);
}

/** Shows the numbers below the paper; `least` is the probability from which a number is sure. */
export function showNumbers(place, numbers, least) {
  const count = numbers.reduce((sum, { text }) => sum + text.length, 0);
  place.style.setProperty("--size", count <= 6 ? "clamp(3.5rem, 14vw, 6rem)" : count <= 14 ? "3rem" : "2rem");
  place.replaceChildren(...numbers.map((number) => figure(number, least)));
}

/** What was read, in a sentence for the status line and for screen readers. */
export function sentence(numbers) {
  if (!numbers.length) return "No number was found.";
  const each = ({ text, sure, confidence }) => `${text}, ${sure ? "sure" : "not sure"}, ${percent(confidence)}`;
  return `${numbers.map(each).join("; ")}.`;
}

/** A small canvas of one colour, the more opaque the greater the values (0..1). */
function heat(values, side, colour) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, side, side);
  const pixels = context.getImageData(0, 0, side, side);
  values.forEach((share, i) => (pixels.data[4 * i + 3] = Math.round(120 * share)));
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

/**
 * Boxes and texts over the picture.
 * @param picture null where there is none
 * @param looked whether to show also where the finder saw numbers, in the colour `seen`
 */
export function showMarks(place, picture, { numbers, cells }, looked, seen) {
  place.replaceChildren();
  if (!picture) return;
  const { width, height } = picture, unit = Math.max(width / place.clientWidth, height / place.clientHeight);
  place.setAttribute("viewBox", `0 0 ${width} ${height}`);
  if (looked && cells) {
    const { data, side, cell, place: { factor, left, top } } = cells, size = (side * cell) / factor;
    const box = { x: -left / factor, y: -top / factor, width: size, height: size, preserveAspectRatio: "none" };
    place.append(svg("image", { href: heat(data, side, seen), ...box }));
  }
  for (const { text, box: [x, y, wide, high], sure } of numbers) {
    const gap = 5 * unit, small = 15 * unit, above = y - gap - small > 0;
    const around = { x: x - gap, y: y - gap, width: wide + 2 * gap, height: high + 2 * gap, rx: 7 * unit };
    const frames = ["halo", "frame"].map((name) => svg("rect", { class: name, ...around }));
    const base = above ? y - 2 * gap : y + high + 2 * gap + 0.7 * small;
    const label = svg("text", { x, y: base, "font-size": small, "stroke-width": 4 * unit }, text);
    place.append(svg("g", sure ? {} : { class: "unsure" }, ...frames, label));
  }
}

/** A strip of ink with, below, how much each of its columns says a digit. */
function stripCanvas({ strip, columns }, colours) {
  const scale = Math.max(1, Math.min(3, Math.floor(560 / strip.width))), density = 2, band = 14, foot = 22;
  const [wide, high] = [strip.width * scale, strip.height * scale];
  const size = { width: wide * density, height: (high + band + foot) * density };
  const canvas = Object.assign(document.createElement("canvas"), size);
  canvas.style.width = `${wide}px`;
  const ink = Object.assign(document.createElement("canvas"), { width: strip.width, height: strip.height });
  const small = ink.getContext("2d");
  small.fillStyle = colours.ink;
  small.fillRect(0, 0, ink.width, ink.height);
  const pixels = small.getImageData(0, 0, ink.width, ink.height);
  strip.data.forEach((level, i) => (pixels.data[4 * i + 3] = level));
  small.putImageData(pixels, 0, 0);
  const context = canvas.getContext("2d");
  context.scale(density, density);
  context.fillStyle = colours.sheet;
  context.fillRect(0, 0, wide, high);
  context.drawImage(ink, 0, 0, wide, high);
  context.fillStyle = colours.edge;
  context.fillRect(0, high, wide, band);
  const step = columns.pixels * scale;
  context.fillStyle = colours.seen;
  for (let t = 0; t < columns.count && t * step < wide; t++) {
    context.globalAlpha = 1 - columns.data[t * columns.classes];
    context.fillRect(t * step, high, step, band);
  }
  context.globalAlpha = 1;
  context.font = "600 15px system-ui, sans-serif";
  context.textAlign = "center";
  const { digits, begins } = bestPath(columns);
  digits.forEach((digit, k) => context.fillText(digit, (begins[k] + 0.5) * step, high + band + 17));
  return canvas;
}

/** The strips and columns of all numbers that were read in one. */
export function showStrips(place, numbers, colours) {
  place.replaceChildren(...numbers.filter(({ strip }) => strip).map((number) => {
    const canvas = stripCanvas(number, colours);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `The strip of ${number.text}, and the columns in which its digits were read`);
    return canvas;
  }));
}
