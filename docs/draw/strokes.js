/** Strokes of ink: lists of points [x, y], in widths of the paper. */

import { image } from "./image.js";

const PEN = 0.03; // the pen's width, in widths of the paper
const SIDE = 512; // pixels of the longer side of what the reader is given

/** Draws strokes on a canvas's context, which is `width` units wide. */
export function drawStrokes(context, strokes, width) {
  context.lineWidth = PEN * width;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    const at = points.map(([x, y]) => [x * width, y * width]), last = at.at(-1);
    context.beginPath();
    context.moveTo(...at[0]);
    for (let i = 1; i < at.length - 1; i++) {
      context.quadraticCurveTo(...at[i], (at[i][0] + at[i + 1][0]) / 2, (at[i][1] + at[i + 1][1]) / 2);
    }
    context.lineTo(...last);
    context.stroke();
  }
}

/** Strokes as a grey image, black on white; `shape` is the paper's height in its widths. */
export function strokesImage(strokes, shape) {
  const longer = Math.max(1, shape), width = Math.round(SIDE / longer), height = Math.round((SIDE * shape) / longer);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  drawStrokes(context, strokes, width);
  const { data } = context.getImageData(0, 0, width, height);
  return image(width, height, 1, data.filter((_, i) => i % 4 === 0));
}

/** Points on a part of an ellipse, its angles in turns, clockwise from the right. */
function arc(x, y, wide, high, from, to) {
  return Array.from({ length: 25 }, (_, k) => {
    const angle = 2 * Math.PI * (from + ((to - from) * k) / 24);
    return [x + wide * Math.cos(angle), y + high * Math.sin(angle)];
  });
}

/** The strokes of "702", as a hand may write them, in a box 1.9 wide and 1 high. */
const WRITTEN = [
  [[0, 0.04], [0.25, 0.02], [0.48, 0.03], [0.4, 0.25], [0.3, 0.55], [0.22, 0.98]],
  arc(0.95, 0.5, 0.24, 0.46, -0.25, 0.78),
  [...arc(1.6, 0.27, 0.24, 0.24, -0.5, 0.08), [1.68, 0.55], [1.36, 0.96], [1.6, 0.95], [1.9, 0.93]],
];

/** The example "702" in the middle of a paper of that height in widths. */
export function example(shape) {
  const high = Math.min(0.34, 0.6 * shape), left = (1 - 1.9 * high) / 2, top = (shape - high) / 2;
  return WRITTEN.map((points) => points.map(([x, y]) => [left + x * high, top + y * high]));
}
