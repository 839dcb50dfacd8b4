/** What looks at a pixel's neighbours: medians, means, closings, pieces, and ink along a slanted line. */

import { clip, image, round } from "./image.js";

const f = Math.fround;

/** The place outside an image that its mirror shows, the last pixel twice. */
function mirrored(place, size) {
  if (size === 1) return 0;
  while (place < 0 || place >= size) place = place < 0 ? -1 - place : 2 * size - 1 - place;
  return place;
}

/** The median of the square around each pixel of a grey image, mirrored at its edges. */
export function medianBlur({ width, height, data }, side) {
  const half = side >> 1, out = image(width, height), middle = (side * side) >> 1;
  const columns = Int32Array.from({ length: width + 2 * half }, (_, x) => mirrored(x - half, width));
  for (let y = 0; y < height; y++) {
    const rows = Array.from({ length: side }, (_, j) => mirrored(y + j - half, height) * width);
    const counts = new Int32Array(256);
    let level = 0, below = 0; // how many are darker than the level
    const change = (x, by) => {
      for (const row of rows) {
        const value = data[row + columns[x]];
        counts[value] += by;
        if (value < level) below += by;
      }
    };
    for (let x = 0; x < side - 1; x++) change(x, 1);
    for (let x = 0; x < width; x++) {
      change(x + side - 1, 1);
      while (below > middle) below -= counts[--level];
      while (below + counts[level] <= middle) below += counts[level++];
      out.data[y * width + x] = level;
      change(x, -1);
    }
  }
  return out;
}

/** The greatest (or least) of the `side` values around each one of a line, those outside left out. */
function extremes(line, side, better, worst, out) {
  // van Herk and Gil and Werman: running extremes from the left and from the right of blocks of `side`
  const before = side >> 1, n = line.length, padded = n + side - 1;
  const left = new Uint8Array(padded), right = new Uint8Array(padded);
  const at = (i) => (i < before || i >= before + n ? worst : line[i - before]);
  for (let i = 0; i < padded; i++) left[i] = i % side ? better(left[i - 1], at(i)) : at(i);
  for (let i = padded - 1; i >= 0; i--) {
    right[i] = (i + 1) % side && i < padded - 1 ? better(right[i + 1], at(i)) : at(i);
  }
  for (let i = 0; i < n; i++) out[i] = better(right[i], left[i + side - 1]);
}

function extremesAround({ width, height, channels, data }, side, better, worst) {
  const out = image(width, height, channels, data.slice()), row = width * channels;
  const along = (start, step, n) => {
    const line = new Uint8Array(n), answer = new Uint8Array(n);
    for (let i = 0; i < n; i++) line[i] = out.data[start + i * step];
    extremes(line, side, better, worst, answer);
    for (let i = 0; i < n; i++) out.data[start + i * step] = answer[i];
  };
  for (let y = 0; y < height; y++) for (let c = 0; c < channels; c++) along(y * row + c, channels, width);
  for (let x = 0; x < row; x++) along(x, row, height);
  return out;
}

/** An image without what is dark and narrower than a square. */
export function closed(one, side) {
  const wider = extremesAround(one, side, (a, b) => (a > b ? a : b), 0);
  return extremesAround(wider, side, (a, b) => (a < b ? a : b), 255);
}

/** The mean of the 5 by 5 pixels around each one; the edge itself is not mirrored. */
export function blur5({ width, height, channels, data }) {
  const out = image(width, height, channels), row = width * channels;
  const place = (at, size) => {
    if (size === 1) return 0;
    while (at < 0 || at >= size) at = at < 0 ? -at : 2 * size - 2 - at;
    return at;
  };
  const sums = new Uint16Array(data.length), near = [-2, -1, 0, 1, 2];
  for (let x = 0; x < width; x++) {
    const columns = near.map((i) => place(x + i, width) * channels);
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const column of columns) sum += data[y * row + column + c];
        sums[y * row + x * channels + c] = sum;
      }
    }
  }
  for (let y = 0; y < height; y++) {
    const rows = near.map((j) => place(y + j, height) * row);
    for (let x = 0; x < row; x++) {
      let sum = 0;
      for (const start of rows) sum += sums[start + x];
      out.data[y * row + x] = Math.floor((sum + 12) / 25);
    }
  }
  return out;
}

/**
 * The connected pieces of a mask, diagonal neighbours included.
 * @param mask of 0 and other values, in row order
 * @returns labels per pixel (0 for none) and per piece its left, top, right, bottom (both inside) and area
 */
export function pieces(mask, width, height) {
  const labels = new Int32Array(width * height), found = [null], stack = [];
  for (let start = 0; start < labels.length; start++) {
    if (!mask[start] || labels[start]) continue;
    const label = found.length, one = { left: width, top: height, right: -1, bottom: -1, area: 0 };
    labels[start] = label;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop(), x = at % width, y = (at - x) / width;
      one.area++;
      one.left = Math.min(one.left, x);
      one.right = Math.max(one.right, x);
      one.top = Math.min(one.top, y);
      one.bottom = Math.max(one.bottom, y);
      for (let j = Math.max(y - 1, 0); j <= Math.min(y + 1, height - 1); j++) {
        for (let i = Math.max(x - 1, 0); i <= Math.min(x + 1, width - 1); i++) {
          const near = j * width + i;
          if (mask[near] && !labels[near]) {
            labels[near] = label;
            stack.push(near);
          }
        }
      }
    }
    found.push(one);
  }
  return { labels, found };
}

/**
 * The grey image whose pixel (x, y) is that of another at (a x + b y + c, d x + e y + g), between pixels linear; 0
 * outside.
 * @param move [a, b, c, d, e, g]
 */
export function warped({ width, height, data }, move, wide, high) {
  const [a, b, c, d, e, g] = move.map(f), out = image(wide, high);
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : data[y * width + x]);
  for (let y = 0; y < high; y++) {
    const startX = f(f(y * b) + c), startY = f(f(y * e) + g);
    for (let x = 0; x < wide; x++) {
      const overX = f(a * x + startX), overY = f(d * x + startY);
      const left = Math.floor(overX), top = Math.floor(overY), u = f(overX - left), v = f(overY - top);
      const one = at(left, top), two = at(left, top + 1);
      const upper = f(u * (at(left + 1, top) - one) + one), lower = f(u * (at(left + 1, top + 1) - two) + two);
      out.data[y * wide + x] = clip(round(f(v * f(lower - upper) + upper)), 0, 255);
    }
  }
  return out;
}
