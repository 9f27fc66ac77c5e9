// The edits of one recording, with undo and redo without end, and where shapes are on a frame.
//
// Each is {uid, edit}: `edit` is what is saved, `uid` keeps a shape's name while it is changed.

import { History } from "/shapes.js";

let made = 0;

const uid = () => `edit-${++made}`;

export class EditList extends EventTarget {
  #history = new History([]);

  /** Begin with edits that are saved. */
  open(edits) {
    this.#history = new History(edits.map((edit) => ({ uid: uid(), edit })));
    this.#changed();
  }

  get all() {
    return this.#history.now;
  }

  get values() {
    return this.all.map(({ edit }) => edit);
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  find(id) {
    return this.all.find((each) => each.uid === id)?.edit;
  }

  add(edit) {
    const id = uid();
    this.#push([...this.all, { uid: id, edit }]);
    return id;
  }

  replace(id, edit) {
    this.#push(this.all.map((each) => (each.uid === id ? { uid: id, edit } : each)));
  }

  remove(id) {
    this.#push(this.all.filter((each) => each.uid !== id));
  }

  /** One state in place of another, of several changes at once. */
  set(all) {
    this.#push(all.map((each) => ({ uid: each.uid ?? uid(), edit: each.edit })));
  }

  undo() {
    if (this.#history.undo()) this.#changed();
  }

  redo() {
    if (this.#history.redo()) this.#changed();
  }

  #push(state) {
    this.#history.push(state);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Where a drawn shape is on a frame: a key, moved between its keys; `null` where it is not. */
export function keyAt(draw, frame) {
  if (draw.first != null && frame < draw.first) return null;
  if (draw.last != null && frame > draw.last) return null;
  const after = draw.keys.findIndex((key) => key.frame > frame);
  const start = draw.keys[after < 0 ? draw.keys.length - 1 : Math.max(0, after - 1)];
  const end = draw.keys[after < 0 ? draw.keys.length - 1 : after];
  const apart = end.frame - start.frame;
  const share = apart > 0 ? Math.min(1, Math.max(0, (frame - start.frame) / apart)) : 0;
  const between = (a, b) => a + (b - a) * share;
  if (start.box) return { frame, box: start.box.map((each, n) => between(each, end.box[n])) };
  return { frame, points: start.points.map(([x, y], n) => [between(x, end.points[n][0]), between(y, end.points[n][1])]) };
}

/** The edit with this key on this frame, in place of one that was there. */
export function withKey(draw, key) {
  let keys = draw.keys.filter((each) => each.frame !== key.frame);
  // Another number of points is that of every key.
  if (key.points && keys.some((each) => each.points.length !== key.points.length)) keys = [];
  keys = [...keys, key].sort((a, b) => a.frame - b.frame);
  return { ...draw, keys };
}

/** A key as a shape of the drawing canvas, in fractions of the frame, and back in whole pixels. */
export function shapeOf(id, key, [width, height]) {
  if (key.box) {
    const [x0, y0, x1, y1] = key.box;
    return { id, kind: "ellipse", tag: "drawn", box: [x0 / width, y0 / height, x1 / width, y1 / height] };
  }
  return { id, kind: "polygon", tag: "drawn", points: key.points.map(([x, y]) => [x / width, y / height]) };
}

export function keyOf(shape, frame, [width, height]) {
  if (shape.kind === "ellipse") {
    const [x0, y0, x1, y1] = shape.box;
    const box = [Math.floor(x0 * width), Math.floor(y0 * height), Math.ceil(x1 * width), Math.ceil(y1 * height)];
    return { frame, box: [box[0], box[1], Math.max(box[0] + 1, box[2]), Math.max(box[1] + 1, box[3])] };
  }
  return { frame, points: shape.points.map(([x, y]) => [Math.round(x * width), Math.round(y * height)]) };
}
