/**
 * A number in a picture is a line: where it stands, how high, in which direction; and the strip that it gives.
 * A line is [x, y, width, height, degrees] in pixels. Python's `28_lines`.
 */

import { clip, image, mapped, otsu, round } from "./image.js";
import { pieces, warped } from "./neighbours.js";
import { stretch } from "./paper.js";
import { leastRectangle } from "./rectangle.js";
import { resize } from "./resize.js";

const f = Math.fround;
const single = (line) => line.map(f);

/** The cosine and the sine of degrees. */
const direction = (degrees) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];

/** Ink halved until what is left to do is at most to halve it once more. */
function halved(ink, factor) {
  if (factor >= 0.5) return ink;
  const share = 0.5 ** Math.floor(Math.log2(1 / factor));
  const [width, height] = [ink.width, ink.height].map((side) => Math.max(1, round(side * share)));
  return resize(ink, width, height, "area");
}

/**
 * The ink along a line, level, with margins.
 * @param height of the answer, in pixels
 * @param above, beside margins above and below, left and right, in heights of the line
 * @returns the image, and how many pixels of `ink` one of its pixels is wide
 */
export function cut(ink, [x, y, wide, high, degrees], height, above, beside) {
  const factor = height / (high * (1 + 2 * above)), small = halved(ink, factor);
  const width = Math.max(4, round((wide + 2 * beside * high) * factor));
  const [cos, sin] = direction(degrees).map((value) => value / factor);
  const right = (width - 1) / 2, down = (height - 1) / 2;
  const start = [x - (cos * right - sin * down), y - (sin * right + cos * down)];
  const [sx, sy] = [small.width / ink.width, small.height / ink.height];
  const move = [cos * sx, -sin * sx, start[0] * sx + sx / 2 - 0.5, sin * sy, cos * sy, start[1] * sy + sy / 2 - 0.5];
  return [warped(small, move, width, height), 1 / factor];
}

const LOOK = 48, MARGIN = 0.5, BESIDE = 0.7; // pixels that a line is looked at with; margins in heights of the line
const HIGH = LOOK / (1 + 2 * MARGIN); // of the line itself, in these pixels

/** Which pixels of a look belong to ink that reaches the middle of its line and is no frame: 0 or 1. */
function reachingPieces(look) {
  const { width, height, data } = look, least = Math.max(0.7 * otsu(look), 12);
  const { labels, found } = pieces(data.map((level) => (level > least ? 1 : 0)), width, height);
  const side = Math.floor((BESIDE - 0.1) * HIGH), long = (width - 2 * BESIDE * HIGH) / HIGH;
  const reaching = new Set();
  const last = Math.floor(LOOK / 2 + 0.3 * HIGH);
  for (let y = Math.floor(LOOK / 2 - 0.3 * HIGH); y <= last; y++) {
    for (let x = side; x < width - side; x++) reaching.add(labels[y * width + x]);
  }
  const kept = found.map((one, label) => {
    if (!one || !reaching.has(label)) return 0;
    const wide = (one.right - one.left + 1) / HIGH, high = (one.bottom - one.top + 1) / HIGH;
    const frame = high > 1.45 || (high > 1.12 && wide > long + 0.2);
    return one.area >= 3 && high >= 0.3 && !frame ? 1 : 0;
  });
  return Uint8Array.from(labels, (label) => kept[label]);
}

/** The first and the last place along an axis with ink, or null. */
function extent(mask, width, height, axis) {
  const used = new Uint8Array(axis ? height : width);
  mask.forEach((inked, i) => {
    if (inked) used[axis ? Math.floor(i / width) : i % width] = 1;
  });
  const first = used.indexOf(1);
  return first < 0 ? null : [first, used.lastIndexOf(1)];
}

/** The line made tight around the ink that reaches its middle; as it was where there is none. */
export function refine(ink, line) {
  const [look, pixel] = cut(ink, line, LOOK, MARGIN, BESIDE), found = reachingPieces(look);
  if (!found.includes(1)) return line;
  const ends = [[look.width, BESIDE], [look.height, MARGIN]].map(([size, margin], axis) => {
    const [begin, end] = extent(found, look.width, look.height, axis);
    const first = margin * HIGH, last = size - margin * HIGH, inward = Math.min(0.25 * HIGH, 0.3 * (last - first));
    return [clip(begin, first - 0.35 * HIGH, first + inward), clip(end + 1, last - inward, last + 0.35 * HIGH)];
  });
  const [[left, right], [top, bottom]] = ends;
  const along = ((left + right - look.width) / 2) * pixel, across = ((top + bottom - LOOK) / 2) * pixel;
  const [x, y, , , degrees] = line, [cos, sin] = direction(degrees);
  const centre = [x + along * cos - across * sin, y + along * sin + across * cos];
  return single([...centre, (right - left) * pixel, (bottom - top) * pixel, degrees]);
}

const INK = 22; // pixels of the ink in a strip
const TURN = 3, SMALLER = 1.06; // degrees; heights of the line

/** The strip, `height` pixels high, of a line that is tight around its ink. */
export function strip(ink, line, height) {
  const [look] = cut(ink, line, height, (height / INK - 1) / 2, 0.3);
  return stretch(look, 220, 8);
}

/** Three strips of a line that is tight around its ink; the first is `strip`. */
export function looks(ink, line, height) {
  const turned = [TURN, -TURN].map((turn) => {
    const [x, y, wide, high, degrees] = line;
    const one = strip(ink, [x, y, wide, high * SMALLER, degrees + turn], height);
    return resize(one, round(one.width * SMALLER), one.height, "linear", SMALLER);
  });
  return [strip(ink, line, height), ...turned];
}

/** Ink on a square canvas of a side, and its place there: the factor, and left and top in pixels. */
export function ontoCanvas(ink, side) {
  const factor = (0.94 * side) / Math.max(ink.width, ink.height);
  const [width, height] = [ink.width, ink.height].map((old) => Math.max(1, round(old * factor)));
  const small = resize(ink, width, height, factor < 0.7 ? "area" : "linear");
  const root = mapped(small, (level) => round(Math.sqrt(level * 255)));
  const left = Math.floor((side - width) / 2), top = Math.floor((side - height) / 2), canvas = image(side, side);
  for (let y = 0; y < height; y++) {
    canvas.data.set(root.data.subarray(y * width, (y + 1) * width), (top + y) * side + left);
  }
  return [canvas, { factor, left, top }];
}

const HALF = 0.5, SHORT = 0.3; // the core's height in heights of the line, and how much shorter it is

/** Centre, width along the writing, height and degrees of cells [x, y]; a round heap is level. */
function rectangle(cells) {
  const xs = cells.map(([x]) => x), ys = cells.map(([, y]) => y);
  const [left, right] = [Math.min(...xs) - 0.5, Math.max(...xs) + 0.5];
  const [top, bottom] = [Math.min(...ys) - 0.5, Math.max(...ys) + 0.5];
  if (right - left < 1.6 * (bottom - top) || cells.length < 8) {
    return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, 0];
  }
  const corners = [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]; // of a cell
  const points = cells.flatMap(([a, b]) => corners.map(([u, v]) => [a + u, b + v]));
  const [x, y, width, height, degrees] = leastRectangle(points);
  const turned = ((degrees + 45) % 180 + 180) % 180 - 45;
  return turned <= 45 ? [x, y, width, height, turned] : [x, y, height, width, turned - 90];
}

const REST = 0.05, NARROW = 0.6; // of the largest piece's ink, as much may lie elsewhere; its width per height, at most

/** The level line around the one upright piece that is nearly all the ink, or null. Python's `_only_stroke`. */
export function onlyStroke({ width, height, data, ...rest }) {
  const least = Math.max(0.7 * otsu({ width, height, data, ...rest }), 12);
  const found = pieces(data.map((level) => (level > least ? 1 : 0)), width, height).found.slice(1);
  if (!found.length) return null;
  const most = found.reduce((best, one) => (one.area > best.area ? one : best));
  const wide = most.right - most.left + 1, high = most.bottom - most.top + 1;
  const area = found.reduce((sum, one) => sum + one.area, 0);
  if (wide > NARROW * high || area > (1 + REST) * most.area) return null;
  return single([most.left + wide / 2, most.top + high / 2, wide, high, 0]);
}

/** Whether a line is about as wide and as high as a piece, or larger. */
export const has = (line, piece) => [2, 3].every((k) => line[k] >= f(f(0.7) * piece[k]));

/**
 * Lines from cells of probabilities, those of at least `least` in a core.
 * @param cells `side` by `side` numbers 0..1
 * @param place of `ontoCanvas`
 * @param cell pixels of the canvas per cell
 */
export function readCores(cells, side, { factor, left, top }, cell, least = 0.4) {
  const { labels, found } = pieces(Uint8Array.from(cells, (sure) => (sure >= f(least) ? 1 : 0)), side, side);
  const heaps = found.map(() => []), pixel = cell / factor;
  labels.forEach((label, i) => label && heaps[label].push([i % side, Math.floor(i / side)]));
  return heaps.slice(1).map((heap) => {
    const [x, y, wide, low, degrees] = rectangle(heap);
    const height = low / HALF, width = wide + Math.min((SHORT / HALF) * low, wide);
    const centre = [(x + 0.5) * pixel - left / factor, (y + 0.5) * pixel - top / factor];
    return single([...centre, width * pixel, height * pixel, degrees]);
  });
}

/** Whether a line comes near the ink of one of some lines. */
export function touches(line, lines) {
  return lines.some(([x, y, width, height, degrees]) => {
    const [cos, sin] = direction(degrees);
    const along = Math.abs((line[0] - x) * cos + (line[1] - y) * sin);
    const across = Math.abs((line[1] - y) * cos - (line[0] - x) * sin);
    return along < (width + line[2]) / 2 + 0.15 * height && across < (height + line[3]) / 2 + 0.1 * height;
  });
}

/** Lines without those whose middle lies in a larger one. */
export function distinct(lines) {
  const area = (line) => f(line[2] * line[3]), kept = [];
  for (const line of lines.toSorted((one, other) => area(other) - area(one))) {
    const larger = kept.map(([x, y, width, height, degrees]) => [x, y, 0.85 * width, 0.85 * height, degrees]);
    if (!touches([line[0], line[1], 0, 0, line[4]], larger)) kept.push(line);
  }
  return kept;
}

/** The corners of a line, single precision. */
export function corners([x, y, width, height, degrees]) {
  const [cos, sin] = direction(f(degrees)), b = f(f(cos) * 0.5), a = f(f(sin) * 0.5);
  const one = [f(f(x - f(a * height)) - f(b * width)), f(f(y + f(b * height)) - f(a * width))];
  const two = [f(f(x + f(a * height)) - f(b * width)), f(f(y - f(b * height)) - f(a * width))];
  return [one, two, ...[one, two].map(([cx, cy]) => [f(2 * x - cx), f(2 * y - cy)])];
}

/** The upright box [left, top, width, height] of a line that lies in a picture. */
export function lineBox(line, { width, height }) {
  const points = corners(single(line));
  return [width, height].map((size, axis) => {
    const places = points.map((point) => point[axis]);
    const first = clip(Math.floor(f(Math.min(...places) + 0.5)), 0, size - 1);
    const last = clip(Math.ceil(f(Math.max(...places) - 0.5)), first + 1, size);
    return [first, last - first];
  }).reduce(([left, wide], [top, high]) => [left, top, wide, high]);
}

/** Indices of lines in reading order: rows from the top, in a row from the left. */
export function readingOrder(lines) {
  const mean = (row, k) => row.reduce((sum, i) => sum + lines[i][k], 0) / row.length, rows = [];
  for (const k of lines.map((_, i) => i).toSorted((i, j) => lines[i][1] - lines[j][1])) {
    const line = lines[k];
    const row = rows.find((one) => Math.abs(line[1] - mean(one, 1)) < 0.5 * Math.max(mean(one, 3), line[3]));
    if (row) row.push(k);
    else rows.push([k]);
  }
  return rows.flatMap((row) => row.toSorted((i, j) => lines[i][0] - lines[j][0]));
}
