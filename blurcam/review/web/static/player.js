// Shows redacted frames one by one: the server makes each, and this page keeps the last few.

const KEPT = 60;
const AHEAD = 6;

export class Player extends EventTarget {
  #cache = new Map();
  #showing = null;
  #version = 0;
  frame = 0;
  isPlaying = false;

  /** `fetchFrame(number)` gives the JPEG of a frame as a blob; `decorate(context)` draws over it. */
  constructor(canvas, { fetchFrame, decorate }) {
    super();
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.fetchFrame = fetchFrame;
    this.decorate = decorate;
    this.times = [];
  }

  open(times, width, height) {
    this.pause();
    this.forget();
    this.times = times;
    const scale = Math.min(1, 1280 / width);
    this.canvas.width = Math.max(2, Math.round(width * scale));
    this.canvas.height = Math.max(2, Math.round(height * scale));
    this.scale = this.canvas.width / width;
  }

  /** The edits have changed, and so has every frame. */
  forget() {
    this.#version += 1;
    for (const kept of this.#cache.values()) kept.then((bitmap) => bitmap?.close?.(), () => {});
    this.#cache.clear();
  }

  #get(number) {
    let kept = this.#cache.get(number);
    if (!kept) {
      kept = this.fetchFrame(number).then((blob) => createImageBitmap(blob));
      kept.catch(() => this.#cache.delete(number));
      this.#cache.set(number, kept);
      if (this.#cache.size > KEPT) {
        const [oldest, bitmap] = this.#cache.entries().next().value;
        this.#cache.delete(oldest);
        bitmap.then((each) => each.close(), () => {});
      }
    }
    return kept;
  }

  /** Go to a frame. While one is under way the newest wish alone waits. */
  show(number) {
    this.frame = Math.min(this.times.length - 1, Math.max(0, number));
    this.dispatchEvent(new Event("frame"));
    this.#showing ??= this.#settle();
    return this.#showing;
  }

  /** Fetch what is wanted until it is what is shown; whether it is. */
  async #settle() {
    for (;;) {
      const [frame, version] = [this.frame, this.#version];
      const isCurrent = () => frame === this.frame && version === this.#version;
      let bitmap;
      try {
        bitmap = await this.#get(frame);
      } catch (error) {
        if (!isCurrent()) continue;
        this.#showing = null;
        this.dispatchEvent(new CustomEvent("failure", { detail: error }));
        return false;
      }
      if (!isCurrent()) continue;
      this.#showing = null;
      this.bitmap = bitmap;
      this.draw();
      this.canvas.dataset.frame = frame;
      this.dispatchEvent(new Event("shown"));
      return true;
    }
  }

  draw() {
    if (!this.bitmap) return;
    try {
      this.context.drawImage(this.bitmap, 0, 0, this.canvas.width, this.canvas.height);
    } catch {
      return; // forgotten meanwhile; the next one comes
    }
    this.decorate(this.context, this.scale);
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.dispatchEvent(new Event("state"));
  }

  async play() {
    if (this.isPlaying || !this.times.length) return;
    this.isPlaying = true;
    this.dispatchEvent(new Event("state"));
    if (this.frame >= this.times.length - 1) await this.show(0);
    let [from, began] = [this.times[this.frame], performance.now()];
    while (this.isPlaying && this.frame < this.times.length - 1) {
      const next = this.frame + 1;
      for (let n = 0; n < AHEAD && next + n < this.times.length; n++) this.#get(next + n).catch(() => {});
      await this.#get(next).catch(() => {});
      const wait = began + (this.times[next] - from) * 1000 - performance.now();
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
      else if (wait < -200) [from, began] = [this.times[next], performance.now()];
      if (!this.isPlaying || this.frame !== next - 1) break;
      if (!(await this.show(next))) break;
    }
    this.pause();
  }
}
