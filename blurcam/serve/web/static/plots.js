// Small time plots: the last ten minutes, drawn as SVG from arrays of figures.

const SVG = "http://www.w3.org/2000/svg";
const WINDOW = 600;
const WIDTH = 600;
const HEIGHT = 100;
const CLASSES = ["first", "second", "third"];

export class Plot {
  // `series` are names of lines; `form` makes text of a figure; `least` is the smallest full scale.
  constructor(title, series, form, least) {
    this.title = title;
    this.series = series;
    this.form = form;
    this.least = least;
    this.lines = series.map(() => []);
    this.times = [];
    this.end = 0;
    this.element = document.createElement("section");
    this.element.className = "plot";
    this.heading = this.element.appendChild(document.createElement("h3"));
    const name = this.heading.appendChild(span(`${title} `));
    this.top = name.appendChild(document.createElement("small"));
    this.top.setAttribute("aria-hidden", "true");
    this.reading = this.heading.appendChild(span("–"));
    this.svg = this.element.appendChild(node("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    }));
    this.svg.append(
      node("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
      node("line", { class: "base", x1: 0, x2: WIDTH, y1: 0, y2: 0 }),
    );
    this.area = this.svg.appendChild(node("path", { class: "area" }));
    this.paths = series.map((_, n) => this.svg.appendChild(node("path", { class: CLASSES[n] })));
    this.cursor = node("line", { class: "cursor", y1: 0, y2: HEIGHT });
    if (series.length > 1) this.element.append(legend(series));
    this.svg.setAttribute("aria-label", this.description());
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.unpoint());
  }

  // `lines` holds one array of figures (or null) for each series, beside `times`.
  draw(times, lines, end) {
    this.times = times;
    this.lines = lines;
    this.end = end;
    const most = Math.max(this.least, ...lines.flat().filter((value) => value !== null));
    const top = ceiling(most);
    const x = (time) => WIDTH - ((end - time) / WINDOW) * WIDTH;
    const y = (value) => HEIGHT - (value / top) * (HEIGHT - 4);
    lines.forEach((values, n) => this.paths[n].setAttribute("d", path(times, values, x, y)));
    this.area.setAttribute("d", filled(times, lines[0], x, y));
    this.top.textContent = `0 to ${this.form(top).replace(/\.0+(?!\d)/, "")}`;
    if (!this.cursor.isConnected) this.now();
    this.svg.setAttribute("aria-label", this.description());
  }

  description() {
    const said = this.series.map((name, n) => {
      const seen = this.lines[n].filter((value) => value !== null);
      if (!seen.length) return `${name}: nothing yet`;
      const least = this.form(Math.min(...seen));
      return `${name}: now ${this.form(seen.at(-1))}, between ${least} and ${this.form(Math.max(...seen))}`;
    });
    return `${this.title} over the last ten minutes. ${said.join(". ")}.`;
  }

  // The newest figure of the first line, as text.
  last() {
    const value = this.lines[0]?.at(-1) ?? null;
    return value === null ? "–" : this.form(value);
  }

  now() {
    this.reading.textContent = this.last();
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const time = this.end - (1 - (event.clientX - box.left) / box.width) * WINDOW;
    let best = -1;
    this.times.forEach((each, n) => {
      if (best < 0 || Math.abs(each - time) < Math.abs(this.times[best] - time)) best = n;
    });
    if (best < 0) return;
    const at = WIDTH - ((this.end - this.times[best]) / WINDOW) * WIDTH;
    this.cursor.setAttribute("x1", at);
    this.cursor.setAttribute("x2", at);
    this.svg.append(this.cursor);
    const figures = this.lines.map((line) => (line[best] === null ? "–" : this.form(line[best])));
    this.reading.textContent = `${figures.join(" · ")}, ${clock(this.times[best])}`;
  }

  unpoint() {
    this.cursor.remove();
    this.now();
  }
}

// What stands once below plots that share their time line.
export function axis() {
  const line = document.createElement("p");
  line.className = "axis";
  line.setAttribute("aria-hidden", "true");
  line.append(span("10 min ago"), span("5 min"), span("now"));
  return line;
}

// Figures a second from a counter that may begin again at 0.
export function rates(times, counts) {
  return counts.map((count, n) => {
    if (n === 0 || count < counts[n - 1] || times[n] <= times[n - 1]) return null;
    return (count - counts[n - 1]) / (times[n] - times[n - 1]);
  });
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString();
}

function path(times, values, x, y) {
  let text = "";
  let isDown = false;
  values.forEach((value, n) => {
    if (value === null || (n > 0 && times[n] - times[n - 1] > 10)) isDown = false;
    if (value === null) return;
    text += `${isDown ? "L" : "M"}${x(times[n]).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
  });
  return text;
}

function filled(times, values, x, y) {
  return path(times, values, x, y).split("M").filter(Boolean).map((part) => {
    const points = part.split("L");
    const first = points[0].split(" ")[0];
    const last = points.at(-1).split(" ")[0];
    return `M${first} ${HEIGHT}L${part}L${last} ${HEIGHT}Z`;
  }).join("");
}

function ceiling(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((step) => step * unit).find((step) => step >= value * 0.999);
}

function legend(series) {
  const line = document.createElement("p");
  line.className = "legend";
  series.forEach((name, n) => {
    const item = span("");
    const swatch = node("svg", { viewBox: "0 0 20 8", "aria-hidden": "true" });
    swatch.append(node("line", { class: CLASSES[n], x1: 0, x2: 20, y1: 4, y2: 4 }));
    item.append(swatch, name);
    line.append(item);
  });
  return line;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function span(text) {
  const made = document.createElement("span");
  made.textContent = text;
  return made;
}
