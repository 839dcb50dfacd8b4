/** Every number in a picture, found and read as `Reader.find` does it in Python. */

import { image } from "./image.js";
import { boxOfInk, brightOnBlack, decodeSlots, fit, isScene } from "./scene.js";
import { distinct, has, lineBox, looks, onlyStroke, ontoCanvas, readCores, readingOrder, refine } from "./lines.js";
import { inkOf, SHORTEST, withoutEqualChannels } from "./paper.js";
import { decode } from "./strips.js";

const STEP = 32; // pixels: strips of nearly one width go through the network together

/** A network in an ONNX file: what it takes and gives, and its answers. */
class Network {
  constructor(session, Tensor) {
    Object.assign(this, { session, Tensor });
    [[this.takes], [this.gives]] = [session.inputMetadata, session.outputMetadata];
  }

  /** The answer to images, an array of floats of the given shape. */
  async run(data, shape) {
    const answer = await this.session.run({ [this.takes.name]: new this.Tensor("float32", data, shape) });
    return answer[this.gives.name];
  }
}

/** What finds and reads; made by `loadReader`. */
export class Reader {
  /**
   * @param finder, strips, scenes the three networks; the last as a function that opens it when a scene comes
   * @param facts what Python says: `promise`, the confidences from which a number is sure, and `floor`, from which it
   *   is one at all
   */
  constructor(finder, strips, scenes, facts) {
    Object.assign(this, { finder, strips, scenes, facts });
  }

  /**
   * The numbers in a picture.
   * @param picture an `image` of 1 or 3 channels, at least 8 by 8 pixels
   * @param promise the share of sure numbers that must be right, one of `facts.promise`
   * @returns `numbers` in reading order, `kind` ("picture" or "scene"), `least`, the confidence from which a number is
   *   sure, and for a picture `cells`, how likely each part of it is in a number
   */
  async find(picture, promise = "0.99") {
    const one = withoutEqualChannels(picture), kind = isScene(one) ? "scene" : "picture";
    const answer = kind === "scene" ? await this.readScene(one) : await this.search(one);
    const least = this.facts.promise[kind][promise];
    for (const number of answer.numbers) number.sure = number.confidence >= least;
    return { kind, least, ...answer };
  }

  /** Both networks run once on nothing: the browser compiles what they use. */
  async warmUp() {
    await this.lines(image(SHORTEST, SHORTEST));
    await this.columns(Array(3).fill(image(3 * STEP, this.strips.takes.shape[1])));
  }

  async readScene(picture) {
    const ink = brightOnBlack(picture);
    if (!ink.data.some((level) => level)) return { numbers: [] };
    const scenes = await this.scenes(), side = scenes.takes.shape[1];
    const square = Float32Array.from(fit(ink, side).data, (level) => Math.fround(level / 255));
    const { data, dims } = await scenes.run(square, [1, side, side, 1]);
    const number = decodeSlots({ data, count: dims[1], classes: dims[2] });
    return { numbers: number.text ? [{ ...number, box: boxOfInk(picture) }] : [] };
  }

  async search(picture) {
    const [ink, factor] = inkOf(picture), { lines, cells } = await this.lines(ink);
    const height = this.strips.takes.shape[1];
    const numbers = readingOrder(lines).map((k) => {
      const [x, y, wide, high, degrees] = lines[k];
      const line = [x / factor, y / factor, wide / factor, high / factor, degrees];
      return { line, box: lineBox(line, picture), looks: looks(ink, lines[k], height) };
    });
    const columns = await this.columns(numbers.flatMap((number) => number.looks));
    for (const number of numbers) {
      const read = columns.splice(0, number.looks.length);
      Object.assign(number, decode(read));
      number.columns = read[number.surest];
      number.strip = number.looks[number.surest];
      delete number.looks;
    }
    const place = { ...cells.place, factor: cells.place.factor * factor };
    const kept = numbers.filter(({ text, confidence }) => text && confidence >= this.facts.floor);
    return { numbers: kept, cells: { ...cells, place } };
  }

  /** The lines of the numbers in ink, tight around it, and the cells in which they were found. */
  async lines(ink) {
    const side = this.finder.takes.shape[1], [canvas, place] = ontoCanvas(ink, side);
    const { data, dims } = await this.finder.run(Float32Array.from(canvas.data), [1, side, side, 1]);
    const cell = side / dims[1], cores = readCores(data, dims[1], place, cell);
    const lines = distinct(cores.map((line) => refine(ink, line))), piece = onlyStroke(ink);
    const kept = !piece || lines.some((line) => has(line, piece)) ? lines : [piece];
    return { lines: kept, cells: { data, side: dims[1], cell, place } };
  }

  /** The columns of each strip; strips of one width, filled up to the next 32 pixels, go through together. */
  async columns(strips) {
    const widths = strips.map((one) => Math.ceil(one.width / STEP) * STEP), answers = [];
    for (const width of new Set(widths)) {
      const those = [...widths.keys()].filter((k) => widths[k] === width);
      const { height } = strips[those[0]], data = new Float32Array(those.length * height * width);
      those.forEach((k, i) => {
        const { width: wide, data: levels } = strips[k];
        for (let y = 0; y < height; y++) data.set(levels.subarray(y * wide, (y + 1) * wide), (i * height + y) * width);
      });
      const { data: given, dims: [, count, classes] } = await this.strips.run(data, [those.length, height, width, 1]);
      those.forEach((k, i) => {
        const some = given.subarray(i * count * classes, (i + 1) * count * classes);
        answers[k] = { data: some, count, classes, pixels: width / count };
      });
    }
    return answers;
  }
}

/**
 * The reader whose files lie in a folder.
 * @param ort ONNX Runtime Web
 * @param load gives the bytes of a file by its name
 */
export async function loadReader(ort, load) {
  const options = { executionProviders: ["wasm"] };
  const open = async (bytes) => new Network(await ort.InferenceSession.create(await bytes, options), ort.Tensor);
  const [facts, finder, strips] = ["facts.json", "finder.onnx", "strips.onnx"].map((name) => load(name));
  let scenes;
  const later = () => (scenes ??= open(load("reader.onnx")));
  return new Reader(await open(finder), await open(strips), later, JSON.parse(new TextDecoder().decode(await facts)));
}
