/** From a picture of paper to its ink: size, polarity, ground and light, contrast. Python's `27_paper`. */

import { brightest, grey, histogram, image, inverted, less, mapped, otsu, round } from "./image.js";
import { blur5, closed, medianBlur, pieces } from "./neighbours.js";
import { resize } from "./resize.js";

export const LONGEST = 640, SHORTEST = 256; // pixels of a picture's longer side
const DEEP = 24; // levels that a wide closing must be brighter by

/** A picture whose longer side has 256 to 640 pixels, and by what factor it was scaled. */
export function toSize(picture) {
  const side = Math.max(picture.width, picture.height);
  const factor = Math.min(Math.max(side, SHORTEST), LONGEST) / side;
  if (factor === 1) return [picture, 1];
  const how = factor > 1 ? "cubic" : factor > 0.6 ? "linear" : "area";
  const [width, height] = [picture.width, picture.height].map((old) => Math.max(1, round(old * factor)));
  return [resize(picture, width, height, how), factor];
}

/** Whether the ink of a grey picture is brighter than its paper. */
export function isBrightInk(one) {
  const scale = 96 / Math.max(one.width, one.height);
  const [width, height] = [one.width, one.height].map((old) => Math.max(1, round(old * scale)));
  const small = resize(one, width, height, "area");
  const middle = medianBlur(small, Math.floor(Math.max(width, height) / 3) | 1);
  let balance = 0;
  small.data.forEach((level, i) => {
    const off = level - middle.data[i];
    balance += off * Math.abs(off);
  });
  return balance > 0;
}

/** Sets to 0 the pieces of a mask that reach its border. */
function enclosed(mask, width, height) {
  const { labels, found } = pieces(mask, width, height);
  return mask.map((_, i) => {
    const one = found[labels[i]];
    return one && one.left > 0 && one.top > 0 && one.right < width - 1 && one.bottom < height - 1 ? 1 : 0;
  });
}

/** The paper under dark ink, of the picture's shape. */
export function ground(picture) {
  const { width, height, channels } = picture;
  const wide = Math.max(1, width >> 2), high = Math.max(1, height >> 2);
  const small = resize(picture, wide, high, "area");
  const sixth = Math.max(3, Math.floor(Math.max(wide, high) / 6));
  const filled = closed(small, sixth), farther = closed(small, 3 * sixth);
  const deep = brightest(less(farther, filled)).data.map((level) => (level > DEEP ? 1 : 0));
  enclosed(deep, wide, high).forEach((thick, i) => {
    if (thick) for (let k = i * channels; k < (i + 1) * channels; k++) filled.data[k] = farther.data[k];
  });
  return resize(blur5(filled), width, height, "linear");
}

/** Ink whose brighter part, by Otsu's threshold, has the mean `level`; `least` levels count as its mean at least. */
export function stretch(ink, level, least = 4) {
  const threshold = otsu(ink);
  let sum = 0, count = 0;
  histogram(ink).forEach((many, bright) => {
    if (bright > threshold) [sum, count] = [sum + many * bright, count + many];
  });
  const by = Math.fround(level / Math.max(count ? sum / count : 0, least));
  return mapped(ink, (old) => Math.min(round(Math.fround(old * by)), 255));
}

/** The ink of a picture, bright on black, its longer side 256 to 640 pixels, and the factor of `toSize`. */
export function inkOf(picture) {
  const [small, factor] = toSize(picture);
  const dark = isBrightInk(grey(small)) ? inverted(small) : small;
  const off = brightest(less(ground(dark), dark));
  const counts = histogram(off);
  let middle = 0;
  for (let below = counts[0]; below < off.data.length / 2; below += counts[++middle]);
  return [stretch(mapped(off, (level) => Math.max(level - middle, 0)), 200), factor];
}

/** A picture whose channels are all the same, as a grey one; others as they are. */
export function withoutEqualChannels(picture) {
  const { width, height, channels, data } = picture;
  if (channels === 1) return picture;
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return picture;
  }
  return image(width, height, 1, data.filter((_, i) => i % 3 === 0));
}
