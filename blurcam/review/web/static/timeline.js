// The time line: cover, fully covered stretches, cuts, findings, tracks and drawn shapes.

const LANES = 8;

export class Timeline extends EventTarget {
  frame = 0;
  shapes = [];

  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.facts = null;
    new ResizeObserver(() => this.#prepare()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#prepare());
    canvas.addEventListener("pointerdown", (event) => this.#point(event));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.#point(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  open(facts) {
    this.facts = facts;
    this.canvas.setAttribute("aria-valuemax", String(facts.frames - 1));
    this.#prepare();
  }

  /** Shapes as [first, last] frames. */
  draw(shapes) {
    this.shapes = shapes;
    this.#prepare();
  }

  at(frame, text) {
    this.frame = frame;
    this.canvas.setAttribute("aria-valuenow", String(frame));
    this.canvas.setAttribute("aria-valuetext", text);
    this.#render();
  }

  #point(event) {
    if (!this.facts) return;
    const { left, width } = this.canvas.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.#seek(Math.round(share * (this.facts.frames - 1)));
  }

  #key(event) {
    const far = Math.max(1, Math.round((this.facts?.frames ?? 1) / 20));
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far };
    if (event.key in steps) this.#seek(this.frame + steps[event.key]);
    else if (event.key === "Home") this.#seek(0);
    else if (event.key === "End") this.#seek((this.facts?.frames ?? 1) - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #seek(frame) {
    this.dispatchEvent(new CustomEvent("seek", { detail: frame }));
  }

  /** Draw all but the playhead once; it is copied for each frame. */
  #prepare() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!this.facts || !width) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const base = new OffscreenCanvas(this.canvas.width, this.canvas.height);
    const context = base.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.x = (frame) => (frame / Math.max(1, this.facts.frames)) * width;
    this.#base(context, height);
    this.base = base;
    this.#render();
  }

  #base(context, height) {
    const { cover, whole, cuts, findings, tracks } = this.facts;
    const bar = (colour, first, last, y, h) => {
      context.fillStyle = this.colour(colour);
      context.fillRect(this.x(first), y, Math.max(1, this.x(last + 1) - this.x(first)), h);
    };
    const top = 40;
    cover.shares.forEach((share, n) => {
      const high = share ? Math.max(2, share * top) : 0;
      bar("accent", n * cover.step, (n + 1) * cover.step - 1, top - high, high);
    });
    for (const [first, last] of whole) bar("off", first, last, 0, top);
    for (const [first, last] of this.shapes) bar("plot-2", first, last, top + 3, 5);
    const lanes = Array(LANES).fill(-1);
    const lane = (height - top - 12) / LANES;
    for (const track of tracks) {
      let n = lanes.findIndex((end) => end < track.first);
      if (n < 0) n = track.track % LANES;
      lanes[n] = track.last;
      for (const [first, last] of track.stretches) bar("plot-3", first, last, top + 11 + n * lane, Math.max(1, lane - 2));
    }
    for (const frame of cuts) bar("notice", frame, frame, 0, height);
    for (const { frame, last } of findings) {
      bar("bad", frame, last, 0, 4);
      context.beginPath();
      context.moveTo(this.x(frame) - 5, 0);
      context.lineTo(this.x(frame) + 5, 0);
      context.lineTo(this.x(frame), 11);
      context.fill();
    }
  }

  #render() {
    if (!this.base) return;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0);
    const ratio = devicePixelRatio || 1;
    context.fillStyle = this.colour("ink");
    context.fillRect(Math.round(this.x(this.frame + 0.5) * ratio) - ratio, 0, 2 * ratio, this.canvas.height);
  }
}
