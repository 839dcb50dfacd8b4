/**
 * An image: `width` and `height` in pixels, `channels` (1 grey, 3 RGB) and `data`, a Uint8Array in row order.
 * All steps take images and give new ones; they give the levels that OpenCV gives in Python.
 */

/** An image of one level, or of the given data. */
export function image(width, height, channels = 1, data = new Uint8Array(width * height * channels)) {
  return { width, height, channels, data };
}

/** The nearest whole number, of two as near the even one, as Python and OpenCV round. */
export function round(value) {
  const low = Math.floor(value), rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/** A value held between two others. */
export const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** A new image whose every value is a function of the old one. */
export function mapped(one, change) {
  const table = Uint8Array.from({ length: 256 }, (_, level) => change(level));
  return image(one.width, one.height, one.channels, one.data.map((level) => table[level]));
}

/** The other way round: what was bright is dark. */
export const inverted = (one) => mapped(one, (level) => 255 - level);

/** One image less another of the same shape, 0 where that is below 0. */
export function less(one, other) {
  const data = new Uint8Array(one.data.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.max(one.data[i] - other.data[i], 0);
  return image(one.width, one.height, one.channels, data);
}

/** The greatest of the channels of each pixel, as a grey image. */
export function brightest({ width, height, channels, data }) {
  if (channels === 1) return image(width, height, 1, data);
  const out = new Uint8Array(width * height);
  for (let i = 0, k = 0; i < out.length; i++, k += 3) out[i] = Math.max(data[k], data[k + 1], data[k + 2]);
  return image(width, height, 1, out);
}

/** The grey image of an RGB one (ITU-R BT.601, in whole numbers of 15 bits). */
export function grey({ width, height, channels, data }) {
  if (channels === 1) return image(width, height, 1, data);
  const out = new Uint8Array(width * height);
  for (let i = 0, k = 0; i < out.length; i++, k += 3) {
    out[i] = (9798 * data[k] + 19235 * data[k + 1] + 3735 * data[k + 2] + (1 << 14)) >> 15;
  }
  return image(width, height, 1, out);
}

/** How often each level is in a grey image: 256 counts. */
export function histogram({ data }) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) counts[data[i]]++;
  return counts;
}

/** The level that stands in the middle, NumPy's median: the mean of two where they are two. */
export function median(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const at = (place) => {
    let level = 0;
    for (let below = counts[0]; below <= place; below += counts[++level]);
    return level;
  };
  return (at(Math.floor((total - 1) / 2)) + at(Math.floor(total / 2))) / 2;
}

/** Otsu's threshold of a grey image: the level that best parts it in dark and bright. */
export function otsu(one) {
  const counts = histogram(one), scale = 1 / one.data.length;
  const mean = counts.reduce((sum, count, level) => sum + level * count, 0) * scale;
  let darkMean = 0, dark = 0, most = 0, best = 0;
  for (let level = 0; level < 256; level++) {
    const share = counts[level] * scale;
    darkMean *= dark;
    dark += share;
    const bright = 1 - dark, tiny = 1.1920928955078125e-7;
    if (Math.min(dark, bright) < tiny || Math.max(dark, bright) > 1 - tiny) continue;
    darkMean = (darkMean + level * share) / dark;
    const brightMean = (mean - dark * darkMean) / bright;
    const between = dark * bright * (darkMean - brightMean) ** 2;
    if (between > most) [most, best] = [between, level];
  }
  return best;
}
