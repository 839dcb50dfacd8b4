/** Reads pictures beside the page, so that drawing never waits. */

import * as ort from "./runtime/ort.wasm.min.mjs";
import { image } from "./image.js";
import { load } from "./load.js";
import { loadReader } from "./reader.js";

ort.env.wasm.numThreads = 1; // more need headers that a plain web server does not send
ort.env.wasm.wasmPaths = new URL("./runtime/", import.meta.url).href;

let asked = false;
const ready = loadReader(ort, load).then(async (reader) => {
  if (!asked) await reader.warmUp();
  postMessage({});
  return reader;
});
ready.catch((error) => postMessage({ error: error.message }));

onmessage = async ({ data: { id, width, height, channels, data } }) => {
  asked = true;
  try {
    const reader = await ready, start = performance.now();
    const answer = await reader.find(image(width, height, channels, data));
    postMessage({ id, answer, milliseconds: performance.now() - start });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
