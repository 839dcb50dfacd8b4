/** One scene of digits, as the layouts make it: what it looks like, and what its reader is given. */

import { clip, grey, histogram, image, less, median, round } from "./image.js";
import { pieces } from "./neighbours.js";
import { resize } from "./resize.js";

const SIDES = [64, 128]; // pixels of a scene
const INK = 64; // levels above the ground

/** Any usual picture as grey ink, bright on black. Python's `image_ops.grayscale`. */
export function brightOnBlack(picture) {
  const one = grey(picture), { width, height, data } = one, border = [];
  for (let x = 0; x < width; x++) border.push(data[x], data[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) border.push(data[y * width], data[(y + 1) * width - 1]);
  if (2 * border.filter((level) => level).length < border.length) return one;
  const around = median(histogram({ data: border })), all = median(histogram(one));
  const level = Math.floor(Math.min(around, all));
  const ground = image(width, height, 1, new Uint8Array(data.length).fill(level));
  let low = 255, high = 0;
  for (const value of data) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return level > (low + high) / 2 ? less(ground, one) : less(one, ground);
}

/** Whether a picture looks as the layouts make scenes. Python's `numbers.is_scene`. */
export function isScene(picture) {
  const { width, height } = picture;
  if (width !== height || height < SIDES[0] || height > SIDES[1]) return false;
  const luma = grey(picture), counts = histogram(luma);
  if (2 * Math.max(counts[0], counts[255]) <= width * height) return false;
  const { found } = pieces(brightOnBlack(luma).data.map((level) => (level > INK ? 1 : 0)), width, height);
  return found.slice(1).every(({ top, bottom }) => 2 * (bottom - top + 1) <= height);
}

/** The box around all ink of a picture; [0, 0, 0, 0] where there is none. */
export function boxOfInk(picture) {
  const ink = brightOnBlack(picture), { width, height, data } = ink;
  const least = Math.min(INK, Math.floor(data.reduce((most, level) => Math.max(most, level), 0) / 2));
  let [left, top, right, bottom] = [width, height, -1, -1];
  data.forEach((level, i) => {
    if (level <= least) return;
    const x = i % width, y = Math.floor(i / width);
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/** A grey image at its own aspect ratio, as large as fits, centred on a black square. Python's step `fit`. */
export function fit(one, side) {
  const scale = side / Math.max(one.width, one.height);
  const [width, height] = [one.width, one.height].map((old) => (scale === 1 ? old : Math.max(1, round(old * scale))));
  const small = scale === 1 ? one : resize(one, width, height, "area"), square = image(side, side);
  const left = Math.floor((side - width) / 2), top = Math.floor((side - height) / 2);
  for (let y = 0; y < height; y++) {
    square.data.set(small.data.subarray(y * width, (y + 1) * width), (top + y) * side + left);
  }
  return square;
}

/** The number in the probabilities of a scene's slots; the last class is no digit. */
export function decodeSlots({ data, count, classes }) {
  const digits = [];
  let text = "", confidence = 1;
  for (let slot = 0; slot < count; slot++) {
    const row = data.subarray(slot * classes, (slot + 1) * classes), most = Math.max(...row), digit = row.indexOf(most);
    confidence = Math.fround(confidence * most);
    if (digit === 10) continue;
    text += digit;
    digits.push(most);
  }
  return { text, confidence: clip(confidence, 0, 1), digits };
}
