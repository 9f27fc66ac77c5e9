// The editor of a camera's zones, over its redacted still. Nothing is stored before Save.

import { DrawingCanvas, KEYS } from "/drawing.js";

const STILL_MS = 1000;

const find = (id) => document.getElementById(id);
const name = decodeURIComponent(location.pathname.split("/").at(-2));
const address = `/cameras/${encodeURIComponent(name)}`;
const rows = new Map();
let mark = null;
let stored = "[]";

const canvas = new DrawingCanvas(find("board"), {
  label: `Zones of ${name}, over its redacted frame`,
  describedBy: "keys",
  nameOf: (shape) => shape.name || (shape.tag === "mask" ? "Mask" : "Place to ignore"),
});

function say(text) {
  find("said").textContent = text;
}

// Zones and shapes -------------------------------------------------------------------------------

const shapeOf = (zone) => ({
  kind: "polygon", points: zone.mask ?? zone.ignore, tag: zone.mask ? "mask" : "ignore", name: zone.name ?? "",
});
const zoneOf = (shape) => ({ name: shape.name.trim(), [shape.tag]: shape.points });
const drawn = () => JSON.stringify(canvas.shapes.map(zoneOf));

function show(zones) {
  canvas.show(zones.map(shapeOf));
  stored = drawn();
  find("conflict").hidden = true;
  changed();
}

async function load() {
  const answer = await fetch(`${address}/zones.json`).catch(() => null);
  if (!answer?.ok) {
    if (answer?.status === 401) location.assign("/login");
    say(answer ? await answer.text() : "The machine does not answer.");
    for (const id of ["mask", "ignore"]) disable(find(id), true);
    return;
  }
  mark = answer.headers.get("ETag");
  show((await answer.json()).zones);
}

async function save() {
  if (find("save").getAttribute("aria-disabled") === "true") return;
  canvas.cancel();
  say("Saving…");
  const sent = drawn();
  const answer = await fetch(`${address}/zones.json`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "If-Match": mark },
    body: JSON.stringify({ version: 1, zones: JSON.parse(sent) }),
  }).catch(() => null);
  if (answer?.ok) {
    mark = answer.headers.get("ETag");
    stored = sent;
    find("conflict").hidden = true;
    changed();
    say(`Saved. ${name} starts again with these zones.`);
  } else if (answer?.status === 412) {
    find("conflict-text").textContent = `Not saved. ${await answer.text()}`;
    find("conflict").hidden = false;
    say("");
  } else if (answer?.status === 401) {
    say("Not saved: you are signed out. Sign in in another tab, then save again.");
  } else {
    say(`Not saved: ${answer ? await answer.text() : "the machine does not answer."}`);
  }
}

/** Save what is drawn here although others were stored meanwhile: asked for by a button of its own. */
async function overwrite() {
  const answer = await fetch(`${address}/zones.json`).catch(() => null);
  if (!answer?.ok) {
    say(answer ? await answer.text() : "The machine does not answer.");
    return;
  }
  mark = answer.headers.get("ETag");
  find("conflict").hidden = true;
  stored = "";
  changed();
  await save();
}

// What is around the canvas ----------------------------------------------------------------------

function disable(button, isDisabled) {
  button.setAttribute("aria-disabled", String(isDisabled));
}

function changed() {
  const isChanged = drawn() !== stored;
  disable(find("save"), !isChanged);
  disable(find("undo"), !canvas.canUndo);
  disable(find("redo"), !canvas.canRedo);
  find("empty").hidden = canvas.shapes.length > 0;
  document.title = `${isChanged ? "● " : ""}Zones of ${name} – blurcam`;
  list();
}

function list() {
  const shapes = canvas.shapes;
  for (const [id, row] of rows) {
    if (shapes.some((each) => each.id === id)) continue;
    row.remove();
    rows.delete(id);
  }
  shapes.forEach((shape, n) => {
    if (!rows.has(shape.id)) rows.set(shape.id, newRow(shape.id));
    const row = rows.get(shape.id);
    if (find("list").children[n] !== row) find("list").insertBefore(row, find("list").children[n] ?? null);
    const [input, select, button] = row.querySelectorAll("input, select, button");
    if (input.value !== shape.name) input.value = shape.name;
    select.value = shape.tag;
    button.setAttribute("aria-label", `Delete ${canvas.nameOf(shape)}`);
    row.setAttribute("aria-current", String(shape.id === canvas.selected));
  });
}

function newRow(id) {
  const row = find("zone").content.firstElementChild.cloneNode(true);
  const [input, select, button] = row.querySelectorAll("input, select, button");
  let isTyping = false;
  input.addEventListener("input", () => {
    canvas.change(id, { name: input.value }, { amend: isTyping });
    isTyping = true;
  });
  input.addEventListener("blur", () => { isTyping = false; });
  select.addEventListener("change", () => canvas.change(id, { tag: select.value }));
  button.addEventListener("click", () => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    canvas.remove(id);
    (next?.querySelector("button") ?? find("mask")).focus();
  });
  row.addEventListener("focusin", () => canvas.select(id));
  return row;
}

function drawing() {
  for (const tag of ["mask", "ignore"]) {
    find(tag).setAttribute("aria-pressed", String(canvas.drawing !== null && canvas.drawnTag === tag));
  }
}

for (const tag of ["mask", "ignore"]) {
  find(tag).addEventListener("click", () => {
    if (find(tag).getAttribute("aria-disabled") === "true") return;
    canvas.drawnTag = tag;
    canvas.draw("polygon", { tag, name: "" });
    say("Click or press Space for each point; Enter closes the polygon, Escape leaves.");
  });
}
find("undo").addEventListener("click", () => canvas.undo());
find("redo").addEventListener("click", () => canvas.redo());
find("save").addEventListener("click", save);
find("theirs").addEventListener("click", load);
find("mine").addEventListener("click", overwrite);
canvas.addEventListener("change", changed);
canvas.addEventListener("select", list);
canvas.addEventListener("draw", drawing);
canvas.addEventListener("leave", () => find("mask").focus());
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  save();
});
addEventListener("beforeunload", (event) => {
  if (drawn() !== stored) event.preventDefault();
});

// The frame --------------------------------------------------------------------------------------

async function still() {
  const answer = await fetch(`${address}/still.jpg`, { signal: AbortSignal.timeout(8000) }).catch(() => null);
  if (!answer?.ok) return;
  const image = find("still");
  const before = image.src;
  image.src = URL.createObjectURL(await answer.blob());
  await image.decode().catch(() => undefined);
  if (before) URL.revokeObjectURL(before);
  image.hidden = false;
  find("none").hidden = true;
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  if (width && `${width} ${height}` !== canvas.size.join(" ")) {
    find("board").style.aspectRatio = `${width} / ${height}`;
    canvas.resize(width, height);
  }
}

async function stills() {
  for (;;) {
    if (!document.hidden) await still();
    await new Promise((resolve) => setTimeout(resolve, STILL_MS));
  }
}

find("title").textContent = `Zones of ${name}`;
find("still").alt = `Redacted live frame of ${name}`;
find("keys").replaceChildren(...KEYS.flatMap((pair) => pair.map((text, n) => {
  const made = document.createElement(n ? "dd" : "dt");
  made.textContent = text;
  return made;
})));
load();
stills();
