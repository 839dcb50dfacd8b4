/** The sheet that one writes on: its strokes or its photo, what is undone, and how it is shown. */

import { drawStrokes, strokesImage } from "./strokes.js";

const EMPTY = { strokes: [], photo: null };

export class Sheet {
  /**
   * @param canvas where one writes
   * @param changed called when there is something new to read, or nothing any more
   */
  constructor(canvas, changed) {
    Object.assign(this, { canvas, changed, now: EMPTY, before: [] });
    this.listen();
    new ResizeObserver(() => this.fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
  }

  get shape() {
    return this.canvas.clientHeight / this.canvas.clientWidth;
  }

  get isEmpty() {
    return !this.now.photo && !this.now.strokes.length;
  }

  /** What the reader is given. */
  picture() {
    return this.now.photo?.picture ?? strokesImage(this.now.strokes, this.shape);
  }

  /** Shows something else; what was there can be had again by `undo`. */
  set(next) {
    this.before.push(this.now);
    this.now = next;
    this.show();
    this.changed();
  }

  clear() {
    if (!this.isEmpty) this.set(EMPTY);
  }

  undo() {
    if (!this.before.length) return;
    this.now = this.before.pop();
    this.show();
    this.changed();
  }

  showPhoto(photo) {
    this.set({ strokes: [], photo });
  }

  showStrokes(strokes) {
    this.set({ strokes, photo: null });
  }

  /** Keeps what is written in view when the paper gets another shape, as a phone's does that is turned. */
  fit() {
    const { shape, fitted = shape, now: { strokes, photo } } = this, by = Math.min(1, shape / fitted);
    this.fitted = shape;
    if (strokes.length && Math.abs(shape - fitted) > 0.01) {
      const moved = ([x, y]) => [0.5 + (x - 0.5) * by, shape / 2 + (y - fitted / 2) * by];
      this.now = { strokes: strokes.map((points) => points.map(moved)), photo };
      this.changed();
    }
    this.show();
  }

  /** One stroke per press: drawn while it goes on, kept when the pointer is lifted. */
  listen() {
    const { canvas } = this;
    let stroke = null, pointer = null;
    const place = ({ clientX, clientY }) => {
      const { left, top, width } = canvas.getBoundingClientRect();
      return [(clientX - left) / width, (clientY - top) / width];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || this.now.photo || stroke) return;
      [stroke, pointer] = [[place(event)], event.pointerId];
      canvas.setPointerCapture(pointer);
      this.show(stroke);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!stroke || event.pointerId !== pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      stroke.push(...(events.length ? events : [event]).map(place));
      this.show(stroke);
    });
    const end = (event) => {
      if (!stroke || event.pointerId !== pointer) return;
      const done = stroke;
      stroke = null;
      this.showStrokes([...this.now.strokes, done]);
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
  }

  /** Draws what is on the sheet, and the stroke that goes on. */
  show(stroke) {
    const { canvas, now: { strokes, photo } } = this, { clientWidth: wide, clientHeight: high } = canvas;
    const context = canvas.getContext("2d"), density = devicePixelRatio;
    [canvas.width, canvas.height] = [Math.round(wide * density), Math.round(high * density)];
    context.scale(density, density);
    if (photo) {
      const { width, height } = photo.canvas, scale = Math.min(wide / width, high / height);
      const [w, h] = [width * scale, height * scale];
      context.imageSmoothingQuality = "high";
      context.drawImage(photo.canvas, (wide - w) / 2, (high - h) / 2, w, h);
    } else {
      context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--ink");
      drawStrokes(context, stroke ? [...strokes, stroke] : strokes, wide);
    }
  }
}
