// A canvas on which ellipses and polygons are drawn over a picture, by mouse, touch or keyboard.
//
//   import { DrawingCanvas, KEYS } from "/drawing.js";   // and <link rel="stylesheet" href="/drawing.css">
//   const canvas = new DrawingCanvas(host, { label: "Zones of front", width: 1920, height: 1080 });
//   canvas.show([{ id: "a", kind: "polygon", points: [[0, 0], [1, 0], [0, 1]], tag: "mask" }]);
//   canvas.draw("polygon", { tag: "ignore", name: "Poster" });
//   canvas.addEventListener("change", () => save(canvas.shapes));
//
// `host` is an element with `class="drawing-host"` that holds the picture (img, canvas or video,
// `object-fit: contain`). The canvas adds an SVG above it, and a live region for screen readers.
//
// Shapes are the plain values of shapes.js, in fractions of the frame; `inPixels` and `inFractions`
// there convert them. `tag` becomes the attribute `data-tag` for styles, `id` is made where none is
// given, other keys are carried along.
//
// Options: `label` (accessible name), `describedBy` (id of a text about the keys), `width` and
// `height` of the frame in pixels (`resize(width, height)` later), `nameOf(shape)` (what a shape is
// called), `history: false` where the owner undoes more than shapes: then the keys dispatch `undo`
// and `redo` and nothing else, and the owner calls `show`.
//
// show(shapes, {fresh})  the shapes from elsewhere; `fresh: false` keeps the history and adds to it
// shapes, selected       what there is; the id of the selected shape or null
// select(id), focus(id)  null stands for none
// draw(kind, extra)      begin a shape; `cancel()` gives it up; `drawing` is its kind or null
// change(id, values, {amend})  set further keys of a shape; can be undone, with `amend` together
//                        with the change before it (while somebody types)
// remove(id), grow(by)   remove one; make the selected one larger (more than 1) or smaller
// undo(), redo(), canUndo, canRedo
//
// Events: `change` (shapes were changed by hand), `preview` (they are while a drag lasts; detail is
// the shapes), `select`, `draw` (drawing began or ended), `leave` (Escape with nothing selected),
// `undo`, `redo`.

import {
  History, bounds, clamp, crossesItself, described, handles, moved, place, rounded, scaled,
  withHandle, withPoint, withoutPoint,
} from "/shapes.js";

/** The keys of the canvas and what they do, for a page to show. */
export const KEYS = [
  ["Tab", "go to the next shape or point"],
  ["Arrow keys", "move it; with Shift, ten times as far"],
  ["+ and −", "make the shape larger or smaller"],
  ["Insert", "add a point after this one"],
  ["Delete", "remove the point or the shape"],
  ["Space", "while drawing: put a point here"],
  ["Enter", "while drawing: close the polygon"],
  ["Escape", "leave: the drawing, the point, the shape"],
  ["Ctrl+Z, Ctrl+Y", "undo, redo"],
];

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.002;
const FAR = 10;
const GROWTH = 1.05;
const DEFAULT_SIZE = [0.12, 0.2];
const CLOSE_PX = 14;
const DRAG_PX = 3;
const DOT_PX = 6;
const TOUCH_PX = 22;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let canvases = 0;

export class DrawingCanvas extends EventTarget {
  #history = new History([]);
  #draft = null;
  #drag = null;
  #selected = null;
  #elements = new Map();
  #made = 0;

  constructor(host, { label, describedBy, width = 1600, height = 900, nameOf, history = true }) {
    super();
    this.#made = ++canvases * 1e6;
    this.host = host;
    this.nameOf = nameOf ?? ((shape) => shape.name || shape.tag || "Shape");
    this.ownsHistory = history;
    this.svg = make("svg", { class: "drawing", tabindex: 0, role: "application", "aria-label": label });
    if (describedBy) this.svg.setAttribute("aria-describedby", describedBy);
    this.layers = Object.fromEntries(["shapes", "draft", "middles", "handles"].map((name) => {
      const layer = make("g", { class: `drawing-${name}` });
      this.svg.append(layer);
      return [name, layer];
    }));
    this.said = document.createElement("p");
    this.said.className = "drawing-said";
    this.said.setAttribute("role", "status");
    host.append(this.svg, this.said);
    this.resize(width, height);
    new ResizeObserver(() => this.#render()).observe(this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.#press(event));
    this.svg.addEventListener("pointermove", (event) => this.#move(event));
    this.svg.addEventListener("pointerup", (event) => this.#release(event));
    this.svg.addEventListener("pointercancel", () => this.#abandonDrag());
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    this.svg.addEventListener("focusin", (event) => this.#focused(event));
  }

  get shapes() {
    return this.#history.now;
  }

  get selected() {
    return this.#selected;
  }

  get drawing() {
    return this.#draft?.kind ?? null;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  resize(width, height) {
    this.size = [width, height];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#render();
  }

  show(shapes, { fresh = true } = {}) {
    const given = shapes.map((each) => ({ ...each, id: each.id ?? this.#newId() }));
    if (fresh) this.#history = new History(given);
    else this.#history.push(given);
    this.#abandonDrag();
    if (!this.#find(this.#selected)) this.select(null);
    this.#render();
  }

  select(id) {
    if (id === this.#selected) return;
    this.#selected = id;
    this.#render();
    this.dispatchEvent(new Event("select"));
  }

  focus(id = null) {
    const element = id === null ? this.svg : this.#elements.get(id)?.group;
    (element ?? this.svg).focus();
  }

  draw(kind, extra = {}) {
    this.#abandonDrag();
    this.select(null);
    this.#draft = { kind, extra, points: [], cursor: [0.5, 0.5], box: null };
    this.svg.focus();
    this.#say(kind === "polygon"
      ? "Click or press Space for each point; Enter closes the polygon, Escape leaves."
      : "Drag from corner to corner, or move with the arrow keys and press Enter; Escape leaves.");
    this.#drawn();
  }

  cancel() {
    if (!this.#draft) return;
    this.#draft = null;
    this.#drawn();
  }

  change(id, values, { amend = false } = {}) {
    this.#commit(this.#replaced(id, (shape) => ({ ...shape, ...values })), { amend });
  }

  remove(id) {
    const number = this.shapes.findIndex((each) => each.id === id);
    if (number < 0) return;
    const had = this.svg.contains(document.activeElement);
    this.#say(`${this.nameOf(this.shapes[number])} removed`);
    const rest = this.shapes.filter((each) => each.id !== id);
    if (this.#selected === id) this.select(null);
    this.#commit(rest);
    if (had) this.focus(rest[Math.min(number, rest.length - 1)]?.id ?? null);
  }

  grow(by, options) {
    const shape = this.#find(this.#selected);
    if (!shape) return;
    this.#commit(this.#replaced(shape.id, (each) => scaled(each, by)), options);
    this.#say(described(this.#find(shape.id)));
  }

  undo() {
    this.#back("undo", "undone", () => this.#history.undo());
  }

  redo() {
    this.#back("redo", "done again", () => this.#history.redo());
  }

  #back(name, word, step) {
    if (!this.ownsHistory) {
      this.dispatchEvent(new Event(name));
      return;
    }
    if (!step()) {
      this.#say(`Nothing to ${name}`);
      return;
    }
    const had = this.svg.contains(document.activeElement);
    if (!this.#find(this.#selected)) this.select(null);
    this.#render();
    if (had && !this.svg.contains(document.activeElement)) this.svg.focus();
    this.#say(`One change ${word}`);
    this.dispatchEvent(new Event("change"));
  }

  #newId() {
    return `shape-${++this.#made}`;
  }

  #find(id) {
    return this.shapes.find((each) => each.id === id);
  }

  #replaced(id, change) {
    return this.shapes.map((each) => (each.id === id ? rounded(change(each)) : each));
  }

  #commit(shapes, { amend = false } = {}) {
    if (amend) this.#history.amend(shapes);
    else this.#history.push(shapes);
    this.#render();
    this.dispatchEvent(new Event("change"));
  }

  #say(text) {
    this.said.textContent = text;
  }

  #drawn() {
    this.svg.dataset.drawing = this.drawing ?? "";
    this.#render();
    this.dispatchEvent(new Event("draw"));
  }

  // Pointer -------------------------------------------------------------------------------------

  /** Where a pointer is, in fractions of the frame. */
  #at(event) {
    const matrix = this.svg.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [clamp(point.x / this.size[0]), clamp(point.y / this.size[1])];
  }

  /** How far apart two places are on the screen, in CSS pixels. */
  #apart([ax, ay], [bx, by]) {
    const unit = this.#unit();
    return Math.hypot((ax - bx) * this.size[0], (ay - by) * this.size[1]) / unit;
  }

  #press(event) {
    if (event.button !== 0 || this.#drag) return;
    const at = this.#at(event);
    if (this.#draft) {
      this.#pressDrawing(event, at);
      return;
    }
    const target = event.target.closest("[data-handle], [data-middle], [data-id]");
    if (!target) {
      this.select(null);
      this.svg.focus({ focusVisible: false });
      return;
    }
    event.preventDefault();
    const { handle, middle, id } = target.dataset;
    if (id !== undefined) this.select(id);
    const before = this.#find(this.#selected);
    let number = handle === undefined ? null : Number(handle);
    let shape = before;
    if (middle !== undefined) {
      number = Number(middle) + 1;
      shape = withPoint(before, number - 1);
    }
    this.#drag = { pointer: event.pointerId, start: at, shape, number, before, isMoved: middle !== undefined };
    this.svg.setPointerCapture(event.pointerId);
    const focus = handle === undefined ? this.#elements.get(this.#selected).group : target;
    focus.focus({ focusVisible: false, preventScroll: true });
  }

  #pressDrawing(event, at) {
    event.preventDefault();
    this.svg.focus({ focusVisible: false, preventScroll: true });
    const draft = this.#draft;
    draft.cursor = at;
    if (draft.kind === "ellipse") {
      draft.box = [...at, ...at];
      this.#drag = { pointer: event.pointerId, start: at };
      this.svg.setPointerCapture(event.pointerId);
      return;
    }
    const [first] = draft.points;
    const isAtFirst = draft.points.length > 2 && this.#apart(first, at) < CLOSE_PX;
    if (isAtFirst || (event.detail > 1 && draft.points.length > 2)) this.#close();
    else this.#putPoint();
  }

  #move(event) {
    const at = this.#at(event);
    if (this.#draft) {
      this.#draft.cursor = at;
      if (this.#drag) this.#draft.box = [...this.#drag.start, ...at];
      this.#render();
      return;
    }
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.pointer) return;
    if (!drag.isMoved && this.#apart(drag.start, at) < DRAG_PX) return;
    drag.isMoved = true;
    drag.now = this.#dragged(drag, at);
    this.#render();
    this.dispatchEvent(new CustomEvent("preview", { detail: this.#visible() }));
  }

  #dragged({ shape, number, start }, at) {
    const [dx, dy] = [at[0] - start[0], at[1] - start[1]];
    if (number === null) return moved(shape, dx, dy);
    // The handle keeps its distance to the pointer that took hold of it beside its middle.
    const [x, y] = handles(shape)[number].at;
    return withHandle(shape, number, [x + dx, y + dy]);
  }

  #release(event) {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.pointer) return;
    this.#drag = null;
    if (this.#draft) {
      const box = this.#draft.box;
      this.#draft.box = null;
      this.#putEllipse(this.#apart(box.slice(0, 2), box.slice(2)) < 2 * DRAG_PX ? null : box);
      return;
    }
    if (!drag.now) {
      this.#render();
      return;
    }
    this.#commit(this.#replaced(drag.shape.id, () => drag.now));
    this.#warn(drag.shape.id);
  }

  #abandonDrag() {
    if (!this.#drag) return;
    this.#drag = null;
    if (this.#draft) this.#draft.box = null;
    this.#render();
  }

  // Drawing -------------------------------------------------------------------------------------

  #putPoint() {
    const { points, cursor } = this.#draft;
    if (points.length && this.#apart(points.at(-1), cursor) < 1) return;
    points.push(cursor);
    this.#say(`Point ${points.length}, ${place(cursor)}`);
    this.#render();
  }

  #close() {
    const { points, extra } = this.#draft;
    if (points.length < 3) {
      this.#say("A polygon needs three points.");
      return;
    }
    this.#put({ ...extra, id: this.#newId(), kind: "polygon", points });
  }

  /** Put an ellipse; without a box, one of the usual size around the cursor. */
  #putEllipse(box) {
    const { extra, cursor: [x, y] } = this.#draft;
    const [w, h] = DEFAULT_SIZE.map((each) => each / 2);
    this.#put({ ...extra, id: this.#newId(), kind: "ellipse", box: box ?? [x - w, y - h, x + w, y + h] });
  }

  #put(shape) {
    this.#draft = null;
    this.#commit([...this.shapes, rounded(shape)]);
    this.#drawn();
    this.select(shape.id);
    this.focus(shape.id);
    this.#say(`${this.nameOf(shape)}: ${described(this.#find(shape.id))}`);
    this.#warn(shape.id);
  }

  #warn(id) {
    const shape = this.#find(id);
    if (shape.kind === "polygon" && crossesItself(shape)) this.#say("Two edges of the polygon cross each other.");
  }

  // Keyboard ------------------------------------------------------------------------------------

  #key(event) {
    const done = this.#draft ? this.#keyDrawing(event) : this.#keyEditing(event);
    if (!done && !this.#keyAlways(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #keyAlways(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
    if (key === "z" && !event.shiftKey) this.undo();
    else if (key === "y" || key === "z") this.redo();
    else return false;
    return true;
  }

  #keyDrawing(event) {
    const draft = this.#draft;
    const step = arrow(event);
    if (step) {
      draft.cursor = [clamp(draft.cursor[0] + step[0]), clamp(draft.cursor[1] + step[1])];
      this.#say(place(draft.cursor));
      this.#render();
    } else if (event.key === "Escape") {
      this.cancel();
      this.#say("Not drawn");
    } else if (draft.kind === "ellipse" && [" ", "Enter"].includes(event.key)) {
      this.#putEllipse(null);
    } else if (event.key === " ") {
      this.#putPoint();
    } else if (event.key === "Enter") {
      this.#close();
    } else if (["Backspace", "Delete"].includes(event.key)) {
      draft.points.pop();
      this.#say(`${draft.points.length} points`);
      this.#render();
    } else {
      return false;
    }
    return true;
  }

  #keyEditing(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "Tab") return this.#tab(event);
    if (event.key === "Escape") return this.#escape();
    const shape = this.#find(this.#selected);
    const handle = document.activeElement?.dataset.handle;
    if (!shape || document.activeElement === this.svg) return false;
    const number = handle === undefined ? null : Number(handle);
    const step = arrow(event);
    if (step) this.#nudge(shape, number, step, event.repeat);
    else if (event.key === "Delete" || event.key === "Backspace") this.#delete(shape, number);
    else if (event.key === "+" || event.key === "=") this.grow(GROWTH, { amend: event.repeat });
    else if (event.key === "-" || event.key === "_") this.grow(1 / GROWTH, { amend: event.repeat });
    else if (event.key === "Insert") this.#insert(shape, number);
    else return false;
    return true;
  }

  #nudge(shape, number, [dx, dy], amend) {
    let now = moved(shape, dx, dy);
    if (number !== null) {
      const [x, y] = handles(shape)[number].at;
      now = withHandle(shape, number, [x + dx, y + dy]);
    }
    this.#commit(this.#replaced(shape.id, () => now), { amend });
    const after = this.#find(shape.id);
    this.#say(number === null ? described(after) : place(handles(after)[number].at));
    this.#warn(shape.id);
  }

  #delete(shape, number) {
    const less = number === null || shape.kind === "ellipse" ? null : withoutPoint(shape, number);
    if (number === null) {
      this.remove(shape.id);
    } else if (!less) {
      this.#say("This point is needed; Escape, then Delete removes the shape.");
    } else {
      this.#commit(this.#replaced(shape.id, () => less));
      this.#focusHandle(Math.min(number, less.points.length - 1));
      this.#say(`Point removed; ${less.points.length} are left`);
    }
  }

  #insert(shape, number) {
    if (shape.kind !== "polygon") return;
    const after = number ?? shape.points.length - 1;
    this.#commit(this.#replaced(shape.id, () => withPoint(shape, after)));
    this.#focusHandle(after + 1);
    this.#say(`Point ${after + 2} added`);
  }

  #focusHandle(number) {
    this.layers.handles.children[number]?.focus();
  }

  /** The order of Tab: the canvas, each shape, and the points of the one that is selected. */
  #tab(event) {
    const stops = [this.svg];
    for (const shape of this.shapes) {
      stops.push(this.#elements.get(shape.id).group);
      if (shape.id === this.#selected) stops.push(...this.layers.handles.children);
    }
    const next = stops[stops.indexOf(document.activeElement) + (event.shiftKey ? -1 : 1)];
    next?.focus();
    return next !== undefined;
  }

  #escape() {
    if (this.#drag) this.#abandonDrag();
    else if (document.activeElement?.dataset.handle !== undefined) this.focus(this.#selected);
    else if (this.#selected !== null) {
      this.select(null);
      this.svg.focus();
    } else this.dispatchEvent(new Event("leave"));
    return true;
  }

  #focused(event) {
    const { id } = event.target.dataset;
    if (id !== undefined) this.select(id);
    else if (event.target === this.svg && !this.#draft && !this.#drag) this.select(null);
  }

  // Rendering -----------------------------------------------------------------------------------

  /** How many units of the view box one CSS pixel is. */
  #unit() {
    const scale = this.svg.getScreenCTM()?.a;
    return scale ? 1 / scale : 1;
  }

  /** The shapes as they look now, with the one that is being dragged where it is. */
  #visible() {
    const now = this.#drag?.now;
    return now ? this.shapes.map((each) => (each.id === now.id ? now : each)) : this.shapes;
  }

  #render() {
    const unit = this.#unit();
    const shapes = this.#visible();
    this.#renderShapes(shapes);
    const selected = this.#draft ? undefined : shapes.find((each) => each.id === this.#selected);
    this.#renderHandles(selected, unit);
    this.#renderMiddles(selected, unit);
    this.#renderDraft(unit);
  }

  #renderShapes(shapes) {
    for (const [id, { group }] of this.#elements) {
      if (shapes.some((each) => each.id === id)) continue;
      group.remove();
      this.#elements.delete(id);
    }
    for (const shape of shapes) {
      if (!this.#elements.has(shape.id)) this.#elements.set(shape.id, this.#newShape(shape));
      const { group, paths } = this.#elements.get(shape.id);
      for (const path of paths) set(path, { d: this.#outline(shape) });
      const isSelected = shape.id === this.#selected;
      set(group, {
        "data-tag": shape.tag ?? "", "data-kind": shape.kind, "aria-pressed": String(isSelected),
        "aria-label": `${this.nameOf(shape)}: ${described(shape)}`,
      });
    }
    this.#order(shapes);
  }

  /** Smaller shapes lie above larger ones, so that each can be taken hold of. */
  #order(shapes) {
    const area = (shape) => {
      const [left, top, right, bottom] = bounds(shape);
      return (right - left) * (bottom - top);
    };
    const wanted = [...shapes].sort((a, b) => area(b) - area(a)).map((each) => this.#elements.get(each.id).group);
    if (wanted.every((each, n) => this.layers.shapes.children[n] === each)) return;
    const focused = document.activeElement;
    this.layers.shapes.append(...wanted);
    if (wanted.includes(focused)) focused.focus({ preventScroll: true });
  }

  #newShape(shape) {
    const group = make("g", { class: "drawing-shape", "data-id": shape.id, tabindex: -1, role: "button" });
    const paths = ["drawing-casing", "drawing-line"].map((name) => make("path", { class: name }));
    group.append(...paths);
    return { group, paths };
  }

  #outline(shape) {
    const at = ([x, y]) => `${x * this.size[0]} ${y * this.size[1]}`;
    if (shape.kind === "polygon") return `M${shape.points.map(at).join("L")}Z`;
    const [left, top, right, bottom] = shape.box;
    const [rx, ry] = [((right - left) / 2) * this.size[0], ((bottom - top) / 2) * this.size[1]];
    const y = (top + bottom) / 2;
    const arc = `A${rx} ${ry} 0 1 1 `;
    return `M${at([left, y])}${arc}${at([right, y])}${arc}${at([left, y])}Z`;
  }

  #renderHandles(shape, unit) {
    const found = shape ? handles(shape) : [];
    const layer = this.layers.handles;
    while (layer.children.length > found.length) layer.lastChild.remove();
    while (layer.children.length < found.length) {
      const handle = make("g", { class: "drawing-handle", tabindex: -1, role: "button", "data-handle": layer.children.length });
      handle.append(make("circle", { class: "drawing-touch" }), make("circle", { class: "drawing-dot" }));
      layer.append(handle);
    }
    found.forEach(({ at, name }, n) => {
      const [touch, dot] = layer.children[n].children;
      set(layer.children[n], { "aria-label": `${name} of ${this.nameOf(shape)}: ${place(at)}` });
      set(touch, { ...this.#centre(at), r: TOUCH_PX * unit * this.#coarse() });
      set(dot, { ...this.#centre(at), r: DOT_PX * unit });
    });
  }

  #renderMiddles(shape, unit) {
    const found = shape?.kind === "polygon" ? shape.points : [];
    this.layers.middles.replaceChildren(...found.map(([ax, ay], n) => {
      const [bx, by] = found[(n + 1) % found.length];
      const at = this.#centre([(ax + bx) / 2, (ay + by) / 2]);
      const middle = make("g", { class: "drawing-middle", "data-middle": n, "aria-hidden": "true" });
      middle.append(
        make("circle", { class: "drawing-touch", ...at, r: TOUCH_PX * 0.6 * unit * this.#coarse() }),
        make("circle", { class: "drawing-dot", ...at, r: DOT_PX * 0.6 * unit }),
      );
      return middle;
    }));
  }

  #coarse() {
    return matchMedia("(pointer: coarse)").matches ? 1 : 0.5;
  }

  #centre([x, y]) {
    return { cx: x * this.size[0], cy: y * this.size[1] };
  }

  #renderDraft(unit) {
    const draft = this.#draft;
    const parts = [];
    if (draft) {
      const line = this.#draftLine(draft);
      if (line) parts.push(make("path", { class: "drawing-casing", d: line }), make("path", { class: "drawing-line", d: line }));
      for (const point of draft.points) {
        parts.push(make("circle", { class: "drawing-dot", ...this.#centre(point), r: DOT_PX * unit }));
      }
      const { cx, cy } = this.#centre(draft.cursor);
      const arm = 12 * unit;
      const cross = `M${cx - arm} ${cy}H${cx + arm}M${cx} ${cy - arm}V${cy + arm}`;
      parts.push(make("path", { class: "drawing-casing", d: cross }), make("path", { class: "drawing-line", d: cross }));
    }
    this.layers.draft.setAttribute("data-tag", draft?.extra.tag ?? "");
    this.layers.draft.replaceChildren(...parts);
  }

  #draftLine({ box, points, cursor }) {
    if (box) return this.#outline(rounded({ kind: "ellipse", box }));
    if (!points.length) return "";
    const at = ([x, y]) => `${x * this.size[0]} ${y * this.size[1]}`;
    return `M${[...points, cursor].map(at).join("L")}`;
  }
}

function arrow(event) {
  const step = ARROWS[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return null;
  return step.map((each) => each * STEP * (event.shiftKey ? FAR : 1));
}

function make(name, attributes) {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  return made;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}
