// Shows what /status.json and /history.json say, and the redacted stills. Decides nothing itself.

import { Plot, axis, clock, rates } from "/plots.js";

const STATUS_MS = 1000;
const HISTORY_MS = 4000;
const STILL_MS = 500;
const SILENT_S = 4;
const KEPT_S = 620;
const TONES = ["bad", "notice", "off", "good"];

const find = (id) => document.getElementById(id);
const cards = new Map();
const events = [];
let heard = performance.now();
let newest = 0;
let mayRestart = false;
let mayEditZones = false;

class Card {
  constructor(name) {
    this.name = name;
    this.samples = [];
    this.isVisible = false;
    this.isFetching = false;
    this.asked = 0;
    this.address = `/cameras/${encodeURIComponent(name)}`;
    this.element = find("camera").content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.image = part(".live");
    this.none = part(".none");
    this.veil = part(".veil");
    this.state = part(".state span");
    this.why = part(".why");
    this.findings = part(".findings");
    this.figures = part(".figures");
    this.details = part("details");
    this.more = part(".more");
    this.element.id = `camera-${name}`;
    this.element.tabIndex = -1;
    part("article").setAttribute("aria-label", name);
    part("h2").textContent = name;
    this.image.alt = `Redacted live frame of ${name}`;
    part("summary").append(span("said", ` of ${name}`));
    this.enlarge = part(".enlarge");
    this.enlarge.lastElementChild.textContent = `Enlarge ${name}`;
    this.enlarge.addEventListener("click", () => this.toggle());
    this.details.addEventListener("toggle", () => this.status && this.tell());
    this.plots = [
      new Plot("Frames a second", ["redacted", "fully covered", "dropped or frozen"], figure, 1),
      new Plot("Latency", ["median", "slowest of a hundred"], seconds, 0.1),
      new Plot("Faces covered on the frame", ["faces"], whole, 1),
    ];
    part(".plots").append(...this.plots.map((plot) => plot.element), axis());
    watcher.observe(this.element);
  }

  toggle() {
    const isWide = this.element.classList.toggle("wide");
    this.enlarge.setAttribute("aria-pressed", String(isWide));
    this.element.scrollIntoView({ block: "nearest" });
  }

  show(status, now) {
    this.status = status;
    this.now = now;
    this.tone(status.tone);
    this.element.toggleAttribute("data-fresh", status.is_redacting || status.state === "starting");
    text(this.state, status.title);
    text(this.why, status.why);
    findings(this.findings, status.findings.slice(1).map((each) => ({ ...each, who: each.title })));
    this.veil.hidden = status.is_redacting || status.state === "starting" || status.tone !== "bad" || this.image.hidden;
    text(this.veil, `${status.title}: not a frame of now`);
    this.tellFigures();
    if (this.details.open) this.tell();
  }

  // The figures are the last ones of the plots, so that the two agree.
  tellFigures() {
    const isLive = this.status?.state === "live";
    const [frames, latency, faces] = this.plots.map((plot) => plot.last());
    list(this.figures, [
      ["Faces", isLive ? faces : "–"],
      ["Frames/s", isLive ? frames : "–"],
      ["Latency", isLive ? latency : "–"],
      ["Smallest face", isLive && this.status.smallest_face ? `${whole(this.status.smallest_face)} px` : "–"],
    ]);
  }

  tone(tone) {
    this.element.dataset.tone = tone;
    for (const use of this.element.querySelectorAll("header .glyph use")) {
      if (use.getAttribute("href") !== `#${tone}`) use.setAttribute("href", `#${tone}`);
    }
  }

  add(samples, now) {
    this.samples.push(...samples);
    // What lies in the future was taken before the clock was set back.
    this.samples = this.samples.filter((each) => each.at >= now - KEPT_S && each.at <= now);
    const times = this.samples.map((each) => each.at);
    const column = (key) => this.samples.map((each) => each[key]);
    const redacted = rates(times, column("redacted"));
    this.plots[0].draw(times, [
      redacted, rates(times, column("covered_whole")), rates(times, column("withheld")),
    ], now);
    this.plots[1].draw(times, [column("latency"), column("latency_p99")], now);
    this.plots[2].draw(times, [column("faces")], now);
    this.tellFigures();
  }

  // The folded part: rebuilt only while it is open, and only where something in it has changed.
  tell() {
    const s = this.status;
    const told = JSON.stringify([s.frames_in, s.covered_whole, s.reconnects, s.outputs, s.stages, s.state, mayRestart, mayEditZones]);
    if (told === this.told) return;
    this.told = told;
    const stages = Object.entries(s.stages).map(([name, time]) => [name, seconds(time)]);
    for (const each of this.tables ?? []) each.remove();
    this.tables = [
      table("Frames", [
        ["In", whole(s.frames_in)], ["Redacted", whole(s.redacted)],
        ...Object.entries(s.covered_whole).map(([why, n]) => [`Fully covered: ${why}`, whole(n)]),
        ["Dropped before the search", whole(s.dropped)], ["Frozen", whole(s.frozen)],
        ["Packets lost", whole(s.packet_loss)],
        ["Tracks of faces", whole(s.tracks)],
      ]),
      outputs(s.outputs),
      table("Reconnects", Object.entries(s.reconnects).map(([why, n]) => [why, whole(n)]), "None."),
      table("Time a frame", [...stages, ["Fullest buffer", `${whole(s.queue_fill * 100)} %`]]),
    ];
    this.more.prepend(...this.tables);
    this.control();
  }

  // The controls stay while the tables change: one that is replaced loses the focus, and a dialog
  // cannot give it back.
  control() {
    const rights = JSON.stringify([mayRestart, mayEditZones]);
    if (rights === this.rights) return;
    this.rights = rights;
    for (const each of this.controls ?? []) each.remove();
    this.controls = [this.restart(), this.zones()].filter((each) => each !== "");
    this.more.append(...this.controls);
  }

  restart() {
    if (!mayRestart) {
      return element("p", "hint", "Restarting a camera needs the token (web.token), and signing in with it.");
    }
    const place = element("p", "", "");
    const button = element("button", "quiet", `Restart ${this.name}`);
    button.addEventListener("click", () => restart(this));
    place.append(button);
    return place;
  }

  zones() {
    if (!mayEditZones) return "";
    const place = element("p", "", "");
    const link = element("a", "", `Zones of ${this.name}`);
    link.href = `${this.address}/zones`;
    place.append(link);
    return place;
  }

  async still() {
    if (!this.isVisible || this.isFetching || document.hidden) return;
    this.isFetching = true;
    try {
      const answer = await fetch(`${this.address}/still.jpg`, { signal: AbortSignal.timeout(8000) });
      const picture = answer.ok ? URL.createObjectURL(await answer.blob()) : null;
      const before = this.image.src;
      if (picture) this.image.src = picture;
      else this.image.removeAttribute("src");
      if (picture) await this.image.decode();
      this.image.hidden = picture === null;
      this.none.hidden = picture !== null;
      if (before) URL.revokeObjectURL(before);
    } catch {
      // The status loop says that the box does not answer.
    } finally {
      this.isFetching = false;
    }
  }
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    for (const card of cards.values()) {
      if (card.element === entry.target) card.isVisible = entry.isIntersecting;
    }
  }
}, { rootMargin: "100px" });

async function json(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(5000) });
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function status() {
  const values = await json("/status.json");
  heard = performance.now();
  mayRestart = values.may_restart;
  mayEditZones = values.may_edit_zones;
  find("logout").hidden = !values.has_token;
  text(find("version"), `blurcam ${values.version}`);
  const [worse, better] = values.answers;
  verdict(values.tone, worse.title, better.title, worse.why || better.why, values.look_at.flatMap((name) => {
    const camera = values.cameras.find((each) => each.name === name);
    return camera.findings.map((each) => ({ ...each, who: name, text: `${each.title}. ${each.text}` }));
  }));
  find("empty").hidden = values.cameras.length > 0;
  arrange(values.cameras);
  for (const each of values.cameras) cards.get(each.name).show(each, values.now);
}

function arrange(cameras) {
  const names = cameras.map((each) => each.name);
  for (const [name, card] of cards) {
    if (names.includes(name)) continue;
    watcher.unobserve(card.element);
    card.element.remove();
    cards.delete(name);
  }
  names.forEach((name, n) => {
    if (!cards.has(name)) cards.set(name, new Card(name));
    const { element: wanted } = cards.get(name);
    if (find("grid").children[n] !== wanted) find("grid").insertBefore(wanted, find("grid").children[n] ?? null);
  });
}

function verdict(tone, title, second, why, found) {
  find("verdict").dataset.tone = tone;
  find("verdict").querySelector("use").setAttribute("href", `#${tone}`);
  text(find("verdict-title"), title);
  document.title = `${tone === "bad" ? "⚠ " : ""}${title} – blurcam`;
  text(find("verdict-second"), second);
  text(find("verdict-why"), why);
  const worst = [...found].sort((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone));
  findings(find("verdict-findings"), worst, (name) => {
    const link = element("a", "", name);
    link.href = `#camera-${encodeURIComponent(name)}`;
    link.addEventListener("click", () => cards.get(name)?.element.focus({ preventScroll: true }));
    return link;
  });
}

// A line for each finding: the camera or the title, and the text. Lines are made anew only where other
// findings come, since a link that is replaced loses the focus; the text changes every second.
function findings(place, found, name = (who) => element("strong", "", who)) {
  const key = JSON.stringify(found.map((each) => [each.who, each.title, each.tone]));
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.hidden = found.length === 0;
    place.replaceChildren(...found.map((each) => {
      const line = element("li", "", "");
      line.dataset.tone = each.tone;
      line.append(name(each.who), " ", element("span", "", ""));
      return line;
    }));
  }
  found.forEach((each, n) => text(place.children[n].lastElementChild, each.text));
}

function silent() {
  const since = (performance.now() - heard) / 1000;
  if (since < SILENT_S) return;
  verdict("bad", "The machine does not answer", "", "What you see below is old. This page goes on asking.", []);
  for (const card of cards.values()) {
    card.tone("off");
    card.element.removeAttribute("data-fresh");
    text(card.state, "Not known");
    text(card.why, "The machine does not answer.");
    findings(card.findings, []);
  }
}

async function past() {
  const values = await json(`/history.json?after=${newest}`);
  if (values.newest < newest) return forget(); // the service was started again
  // A camera whose card is not there yet gets its past the next time.
  if (Object.keys(values.cameras).some((name) => !cards.has(name))) return;
  const all = Object.values(values.cameras).flat();
  const now = all.reduce((last, each) => (each.number > last.number ? each : last), { number: 0, at: 0 }).at;
  for (const [name, samples] of Object.entries(values.cameras)) {
    if (samples.length) cards.get(name).add(samples, now);
  }
  const known = new Set(events.map((each) => each.number));
  const fresh = values.events.filter((each) => !known.has(each.number));
  newest = values.newest;
  if (!fresh.length) return;
  events.push(...fresh);
  events.splice(0, Math.max(0, events.length - 100));
  find("log-empty").hidden = true;
  find("log-list").replaceChildren(...[...events].reverse().map(entry));
}

function forget() {
  newest = 0;
  events.length = 0;
  for (const card of cards.values()) card.samples.length = 0;
}

function entry(event) {
  const line = element("li", "", "");
  line.dataset.tone = event.tone;
  const time = element("time", "", clock(event.at));
  time.dateTime = new Date(event.at * 1000).toISOString();
  const what = element("span", "what", "");
  const glyph = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  glyph.setAttribute("class", "glyph");
  glyph.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${event.tone}`);
  glyph.append(use);
  what.append(glyph, element("span", "", event.text));
  line.append(time, element("span", "who", event.camera), what);
  return line;
}

function restart(card) {
  const ask = find("ask");
  text(find("ask-title"), `Restart ${card.name}?`);
  ask.returnValue = "keep";
  ask.onclose = async () => {
    if (ask.returnValue !== "restart") return;
    const answer = await fetch(`${card.address}/restart`, { method: "POST" }).catch(() => null);
    toast(answer?.ok ? `${card.name} is being restarted.` : `${card.name} was not restarted: ${answer ? await answer.text() : "no answer"}`);
  };
  ask.showModal();
}

let toasting;
function toast(said) {
  text(find("toast"), said);
  clearTimeout(toasting);
  toasting = setTimeout(() => text(find("toast"), ""), 6000);
}

function outputs(all) {
  const box = element("section", "", "");
  box.append(element("h3", "", "Outputs and storage"));
  if (!all.length) box.append(element("p", "hint", "None but this page."));
  for (const each of all) {
    const line = element("div", "output", "");
    line.dataset.tone = each.up ? "good" : "bad";
    line.append(element("strong", "", each.name), " ", element("span", "tone", each.up ? "up" : "down"));
    const facts = [`${bytes(each.bytes)} written`];
    if (each.storage) facts.push(`${bytes(each.storage.kept)} kept`, `${bytes(each.storage.free)} free`);
    if (each.storage?.oldest) facts.push(`oldest from ${new Date(each.storage.oldest * 1000).toLocaleString()}`);
    line.append(element("p", "", facts.join(" · ")));
    if (each.error) line.append(element("p", "tone", each.error));
    box.append(line);
  }
  return box;
}

function table(title, rows, none = "") {
  const box = element("section", "", "");
  box.append(element("h3", "", title));
  if (!rows.length) {
    box.append(element("p", "hint", none));
    return box;
  }
  const made = element("table", "", "");
  for (const [name, value] of rows) {
    const row = made.insertRow();
    const head = element("th", "", name);
    head.scope = "row";
    row.append(head, element("td", "", value));
  }
  box.append(made);
  return box;
}

function list(place, pairs) {
  if (place.children.length !== pairs.length) {
    place.replaceChildren(...pairs.map(([name]) => {
      const group = element("div", "", "");
      group.append(element("dt", "", name), element("dd", "", ""));
      return group;
    }));
  }
  pairs.forEach(([, value], n) => text(place.children[n].lastElementChild, value));
}

function element(name, className, said) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (said) made.textContent = said;
  return made;
}

function span(className, said) {
  return element("span", className, said);
}

function text(place, said) {
  if (place.textContent !== said) place.textContent = said;
}

function figure(value) {
  return value === null ? "–" : value.toFixed(1);
}

function whole(value) {
  return Math.round(value).toLocaleString();
}

function seconds(value) {
  if (value === null) return "–";
  return value < 0.0995 ? `${(value * 1000).toFixed(value < 0.00995 ? 1 : 0)} ms` : `${value.toFixed(2)} s`;
}

function bytes(count) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (count < 1000) return `${count < 10 && unit !== "B" ? count.toFixed(1) : Math.round(count)} ${unit}`;
    count /= 1000;
  }
  return `${count.toFixed(1)} TB`;
}

async function repeat(task, pause) {
  for (;;) {
    if (!document.hidden) await task().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

document.addEventListener("visibilitychange", () => { heard = performance.now(); });
setInterval(silent, 1000);
setInterval(() => { for (const card of cards.values()) card.still(); }, STILL_MS);
repeat(status, STATUS_MS);
setTimeout(() => repeat(past, HISTORY_MS), 300);
