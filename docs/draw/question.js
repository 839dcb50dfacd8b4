/** What the page asks the reader, which works in a worker beside it. */

/** One question at a time, the newest picture only: what is out of date is not asked, and its answer not shown. */
export class Question {
  /**
   * @param ready called when the reader can be asked
   * @param answered called with what `Reader.find` says, and the milliseconds that it took
   * @param failed called with a sentence
   */
  constructor({ ready, answered, failed }) {
    Object.assign(this, { id: 0, waiting: null, busy: false });
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onerror = () => failed("The reader could not be started.");
    this.worker.onmessage = ({ data: { id, answer, milliseconds, error } }) => {
      if (error) failed(error);
      else if (!id) ready();
      else if (id === this.id) answered(answer, milliseconds);
      if (!id) return;
      this.busy = false;
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
