/** From an image file to a picture: turned as it is shown, opaque, grey or RGB. Python's `21_files`. */

import { image, grey } from "./image.js";

const MOST = 16e6; // pixels of a canvas that every browser can make
const LEAST = 8; // pixels of a side

/** Colours laid on white, or on black where the opaque ones are bright, where alpha lets it through. */
function onGround(colour, alpha) {
  const luma = grey(colour).data;
  let [bright, all] = [0, 0];
  alpha.forEach((weight, i) => {
    bright += luma[i] * weight;
    all += 255 * weight;
  });
  const ground = 2 * bright <= all ? 255 : 0;
  const data = colour.data.map((level, i) => {
    const share = alpha[Math.floor(i / 3)] / 255;
    return Math.round(level * share + ground * (1 - share));
  });
  return image(colour.width, colour.height, 3, data);
}

/** The pixels of a canvas as an RGB picture. */
function pixels(canvas) {
  const { width, height } = canvas, { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const colour = image(width, height, 3), alpha = new Uint8Array(width * height);
  for (let i = 0, k = 0, c = 0; i < alpha.length; i++, k += 4, c += 3) {
    colour.data[c] = data[k];
    colour.data[c + 1] = data[k + 1];
    colour.data[c + 2] = data[k + 2];
    alpha[i] = data[k + 3];
  }
  return alpha.every((value) => value === 255) ? colour : onGround(colour, alpha);
}

/** The canvas to show and the picture to read of an image file; an Error that says what is wrong with it. */
export async function loadPhoto(file) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, options).catch(() => null);
  if (!bitmap) throw new Error(`${file.name ?? "This file"} is no image that your browser can open.`);
  if (Math.min(bitmap.width, bitmap.height) < LEAST) {
    throw new Error(`Expected at least ${LEAST}×${LEAST} pixels, got ${bitmap.width}×${bitmap.height}.`);
  }
  const shrink = Math.min(1, Math.sqrt(MOST / (bitmap.width * bitmap.height)));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.floor(side * shrink));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0, width, height);
  return { canvas, picture: pixels(canvas) };
}
