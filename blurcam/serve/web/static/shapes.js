// Shapes as plain values, and what can be done to them. Nothing here knows of a page.
//
//   {id, kind: "polygon", points: [[x, y], ...], ...}   three points or more
//   {id, kind: "ellipse", box: [left, top, right, bottom], ...}
//
// Numbers are fractions of the frame's width and height, from 0 to 1. Further keys (`tag`, `name`,
// whatever an owner needs) are carried along. A shape is never changed: each function returns
// another one.

const DIGITS = 4;
const SMALLEST = 0.004;

export const clamp = (value, least = 0, most = 1) => Math.min(most, Math.max(least, value));
const round = (value) => Number(value.toFixed(DIGITS));

/** The corners of the smallest upright box around a shape: [left, top, right, bottom]. */
export function bounds(shape) {
  if (shape.kind === "ellipse") return shape.box;
  const xs = shape.points.map(([x]) => x);
  const ys = shape.points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The same shape with every number within the frame, and rounded as it is saved. */
export function rounded(shape) {
  if (shape.kind === "polygon") {
    return { ...shape, points: shape.points.map(([x, y]) => [round(clamp(x)), round(clamp(y))]) };
  }
  const [left, right] = spread(shape.box[0], shape.box[2]);
  const [top, bottom] = spread(shape.box[1], shape.box[3]);
  return { ...shape, box: [left, top, right, bottom].map(round) };
}

/** Two edges in order and within the frame, apart enough to be seen. */
function spread(one, other) {
  let [low, high] = [clamp(Math.min(one, other)), clamp(Math.max(one, other))];
  if (high - low < SMALLEST) {
    low = clamp((low + high - SMALLEST) / 2, 0, 1 - SMALLEST);
    high = low + SMALLEST;
  }
  return [low, high];
}

/** The shape moved, as far as it stays within the frame as a whole. */
export function moved(shape, dx, dy) {
  const [left, top, right, bottom] = bounds(shape);
  return mapped(shape, across(clamp(dx, -left, 1 - right)), across(clamp(dy, -top, 1 - bottom)));
}

const across = (by) => (value) => value + by;

/** The shape grown (more than 1) or shrunk (less) about its middle; what leaves the frame is cut. */
export function scaled(shape, by) {
  const [left, top, right, bottom] = bounds(shape);
  const about = (middle) => (value) => middle + (value - middle) * by;
  return rounded(mapped(shape, about((left + right) / 2), about((top + bottom) / 2)));
}

function mapped(shape, alongX, alongY) {
  if (shape.kind === "polygon") {
    return { ...shape, points: shape.points.map(([x, y]) => [alongX(x), alongY(y)]) };
  }
  const [left, top, right, bottom] = shape.box;
  return { ...shape, box: [alongX(left), alongY(top), alongX(right), alongY(bottom)] };
}

/** Where a shape can be taken hold of: a polygon's points; the four edges of an ellipse. */
export function handles(shape) {
  if (shape.kind === "polygon") {
    const count = shape.points.length;
    return shape.points.map((at, n) => ({ at, name: `Point ${n + 1} of ${count}` }));
  }
  const [left, top, right, bottom] = shape.box;
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return [
    { at: [x, top], name: "Upper edge" }, { at: [right, y], name: "Right edge" },
    { at: [x, bottom], name: "Lower edge" }, { at: [left, y], name: "Left edge" },
  ];
}

/** The shape with one of its handles at another place. */
export function withHandle(shape, number, [x, y]) {
  if (shape.kind === "polygon") {
    const points = shape.points.map((each, n) => (n === number ? [clamp(x), clamp(y)] : each));
    return { ...shape, points };
  }
  let [left, top, right, bottom] = shape.box;
  if (number === 0) top = clamp(y, 0, bottom - SMALLEST);
  if (number === 1) right = clamp(x, left + SMALLEST, 1);
  if (number === 2) bottom = clamp(y, top + SMALLEST, 1);
  if (number === 3) left = clamp(x, 0, right - SMALLEST);
  return { ...shape, box: [left, top, right, bottom] };
}

/** The polygon with one more point, in the middle of the edge that begins at point `after`. */
export function withPoint(shape, after) {
  const { points } = shape;
  const [a, b] = [points[after], points[(after + 1) % points.length]];
  const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  return { ...shape, points: points.toSpliced(after + 1, 0, middle) };
}

/** The polygon without one of its points; `null` if it has only three. */
export function withoutPoint(shape, number) {
  if (shape.points.length <= 3) return null;
  return { ...shape, points: shape.points.toSpliced(number, 1) };
}

/** Whether two edges of a polygon cross each other. */
export function crossesItself({ points }) {
  const edges = points.map((each, n) => [each, points[(n + 1) % points.length]]);
  const side = ([ax, ay], [bx, by], [x, y]) => Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));
  return edges.some(([a, b], n) => edges.slice(n + 2).some(([c, d]) => (
    side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
  )));
}

/** The shape with its numbers in pixels of a frame of that size, and back. */
export const inPixels = (shape, width, height) => mapped(shape, (x) => x * width, (y) => y * height);
export const inFractions = (shape, width, height) => mapped(shape, (x) => x / width, (y) => y / height);

const percent = (value) => `${Math.round(value * 100)} %`;

/** Where a point is, in words. */
export function place([x, y]) {
  return `${percent(x)} from the left, ${percent(y)} from the top`;
}

/** What a shape is and where, in words. */
export function described(shape) {
  const [left, top, right, bottom] = bounds(shape);
  const what = shape.kind === "ellipse" ? "ellipse" : `polygon of ${shape.points.length} points`;
  const size = `${percent(right - left)} wide, ${percent(bottom - top)} high`;
  return `${what}, ${place([(left + right) / 2, (top + bottom) / 2])}, ${size}`;
}

/** What was, and what was undone: any values, without end. */
export class History {
  #past = [];
  #future = [];

  constructor(first) {
    this.now = first;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Another state. What had been undone is forgotten. */
  push(state) {
    this.#past.push(this.now);
    this.#future.length = 0;
    this.now = state;
  }

  /** Another state in place of the present one, as while a key repeats. */
  amend(state) {
    this.#future.length = 0;
    this.now = state;
  }

  /** Go back one state; whether there was one. */
  undo() {
    return this.#step(this.#past, this.#future);
  }

  /** Go forward one state that was undone; whether there was one. */
  redo() {
    return this.#step(this.#future, this.#past);
  }

  #step(from, to) {
    if (!from.length) return false;
    to.push(this.now);
    this.now = from.pop();
    return true;
  }
}
