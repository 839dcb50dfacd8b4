/** What the page asks the reader, which works in a worker beside it. */

/** One question at a time, the newest picture only: what is out of date is not asked, and its answer not shown. */
export class Question {
  /**
   * @param answered called with null when the reader is ready, then with each `answer` and its `milliseconds`
   * @param failed called with a sentence
   */
  constructor(answered, failed) {
    Object.assign(this, { id: 0, waiting: null, busy: false });
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onerror = () => failed("The reader could not be started.");
    this.worker.onmessage = ({ data: { id, ready, error, ...rest } }) => {
      if (error) failed(error);
      if (ready) answered(null);
      if (id === undefined) return;
      this.busy = false;
      if (id === this.id && !error) answered(rest);
      this.send();
    };
  }

  ask(picture) {
    this.id++;
    this.waiting = picture;
    this.send();
  }

  /** What was asked is not wanted any more. */
  forget() {
    this.id++;
    this.waiting = null;
  }

  send() {
    if (this.busy || !this.waiting) return;
    this.busy = true;
    this.worker.postMessage({ id: this.id, ...this.waiting });
    this.waiting = null;
  }
}
