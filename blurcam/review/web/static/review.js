// The page of a review: a queue, one recording, and what is decided about it.

import { DrawingCanvas, KEYS } from "/drawing.js";
import { EditList, keyAt, keyOf, shapeOf, withKey } from "/edits.js";
import { Failure, ask, clock, count, el, request, tell, trackList } from "/panels.js";
import { Player } from "/player.js";
import { Timeline } from "/timeline.js";

const $ = (id) => document.getElementById(id);
const OWN_KEYS = [
  ["Space", "play, pause"], [", and .", "one frame back, one frame on"], ["P and N", "previous, next finding"],
  ["J and K", "next, previous recording"], ["E and G", "draw an ellipse, a polygon"],
  ["A and C", "accept, cover the chosen finding"], ["Ctrl+S", "save"],
];
const REASONS = ["not a face", "art", "head from behind", "other"].map((each) => [each, each]);

const edits = new EditList();
const me = crypto.randomUUID?.() ?? String(Math.random());
let queue = [];
let facts = null;
let draft = "";
let savedText = "[]";
let finding = null;
let track = null;
let outlines = null;
let opening = 0;
let stopPictures = () => {};
let drafting = Promise.resolve();

const player = new Player($("frame"), {
  fetchFrame: (frame) => picture(`frames/${frame}.jpg`),
  decorate: marks,
});
const timeline = new Timeline($("timeline"));
const canvas = new DrawingCanvas($("frame-host"), { label: "Shapes on this frame", describedBy: "keys", history: false, nameOf });

// One recording ----------------------------------------------------------------------------------

const at = (path) => `/recordings/${facts.number}/${path}`;

/** A picture as the edits have it. A draft that the server has forgotten is sent again. */
async function picture(path) {
  const { number } = facts;
  await drafting;
  if (number !== facts.number) throw new Failure(-1, "Another recording is open now.");
  try {
    return await request(`${at(path)}?draft=${draft}`, { as: "blob" });
  } catch (error) {
    if (error.status !== 412) throw error;
    await send();
    return request(`${at(path)}?draft=${draft}`, { as: "blob" });
  }
}

async function send() {
  const values = { edits: edits.values };
  draft = (await request(at("draft"), { method: "PUT", values })).draft;
}

async function open(number) {
  if (isChanged() && !(await ask({ title: "Leave without saving?", text: "What you changed here is not saved." }))) return;
  const wish = ++opening;
  let told;
  try {
    told = await request(`/recordings/${number}/facts.json`);
  } catch (error) {
    tell(error.message);
    return;
  }
  if (wish !== opening) return; // another one was chosen meanwhile
  facts = told;
  [finding, track, outlines] = [null, null, null];
  draft = facts.draft;
  savedText = JSON.stringify(facts.saved.edits ?? []);
  canvas.resize(facts.width, facts.height);
  player.open(facts.times, facts.width, facts.height);
  timeline.open(facts);
  showFacts();
  edits.open(facts.saved.edits ?? []);
  showQueue();
  await player.show(0);
  present();
}

function showFacts() {
  $("name").textContent = facts.name;
  $("verdict").textContent = facts.verdict ?? "not verified";
  $("refusal").hidden = !facts.refusal;
  $("refusal").textContent = facts.refusal ?? "";
  $("reasons").replaceChildren(...facts.reasons.map(({ text }) => el("li", {}, text)),
    ...facts.doubts.map((doubt) => el("li", {}, el("button", { className: "quiet", onclick: () => player.show(doubt.frame) },
      `${clock(doubt.time)}: ${doubt.what}, track ${doubt.track}`))));
  $("steps").replaceChildren(...facts.steps.map((step) => el("li", {}, `${step.at}, ${step.by}: ${step.what}${step.why ? ` (${step.why})` : ""}`)));
  stopPictures();
  stopPictures = trackList($("tracks"), facts.tracks, {
    times: facts.times, fetchPicture: (number) => picture(`tracks/${number}.jpg`), choose: chooseTrack, said: saidOfTrack,
  });
  $("track-actions").hidden = true;
}

const isChanged = () => facts !== null && JSON.stringify(edits.values) !== savedText;

edits.addEventListener("change", () => {
  drafting = drafting.then(send).catch((error) => tell(error.message));
  player.forget();
  showEdits();
  player.show(player.frame);
});

function showEdits() {
  $("undo").disabled = !edits.canUndo;
  $("redo").disabled = !edits.canRedo;
  $("save").disabled = !facts;
  $("apply").disabled = !facts || Boolean(facts.refusal);
  $("saved").textContent = isChanged() ? "Not saved" : "";
  showFindings();
  showShapes();
  showDecisions();
  showChosenTrack();
  const stretch = (edit) => [edit.first ?? 0, edit.last ?? facts.frames - 1];
  timeline.draw(edits.all.filter(({ edit }) => edit.op === "draw").map(({ edit }) => stretch(edit)));
}

// Frames -----------------------------------------------------------------------------------------

player.addEventListener("frame", () => {
  const time = facts ? clock(facts.times[player.frame]) : "–";
  $("clock").textContent = `${time} · frame ${player.frame}`;
  timeline.at(player.frame, `${time}, frame ${player.frame}`);
  outlines = null;
  if (!canvas.drawing) showCanvas();
});
player.addEventListener("shown", () => {
  if (!player.isPlaying) showOutlines();
});
player.addEventListener("state", () => {
  $("play").textContent = player.isPlaying ? "Pause" : "Play";
});
player.addEventListener("failure", ({ detail }) => detail.status !== -1 && tell(detail.message));
timeline.addEventListener("seek", ({ detail }) => {
  player.pause();
  player.show(detail);
});

async function showOutlines() {
  if (!$("outlines").checked || !facts) return;
  const frame = player.frame;
  try {
    const { regions } = await request(`${at(`frames/${frame}.json`)}?draft=${draft}`);
    if (frame !== player.frame) return;
    outlines = regions;
    player.draw();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

/** Draw over a frame: the chosen finding, and outlines of what is covered. */
function marks(context, scale) {
  const box = ([x0, y0, x1, y1]) => [x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale];
  const stroke = (colour, dashes) => {
    context.setLineDash(dashes);
    context.lineWidth = 4;
    context.strokeStyle = "rgb(0 0 0 / 70%)";
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.stroke();
  };
  for (const region of outlines ?? []) {
    context.beginPath();
    const [x, y, w, h] = box(region.box);
    if (region.shape === "ellipse") context.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
    else context.rect(x, y, w, h);
    stroke(region.track === track?.track ? "#ffd166" : "#7ee8cf", []);
  }
  if (finding && player.frame >= finding.frame && player.frame <= finding.last) {
    context.beginPath();
    context.rect(...box(finding.finding.box));
    stroke("#ff8f87", [8, 5]);
  }
}

// Shapes -----------------------------------------------------------------------------------------

const size = () => [facts.width, facts.height];

function nameOf(shape) {
  const drawn = edits.all.filter(({ edit }) => edit.op === "draw");
  return `Shape ${drawn.findIndex((each) => each.uid === shape.id) + 1}`;
}

function showCanvas() {
  if (!facts) return;
  const shapes = [];
  for (const { uid, edit } of edits.all) {
    const key = edit.op === "draw" ? keyAt(edit, player.frame) : null;
    if (key) shapes.push(shapeOf(uid, key, size()));
  }
  const { selected } = canvas;
  const had = canvas.svg.contains(document.activeElement);
  canvas.show(shapes);
  if (selected && shapes.some(({ id }) => id === selected)) {
    canvas.select(selected);
    if (had && !canvas.svg.contains(document.activeElement)) canvas.focus(selected);
  }
}

canvas.addEventListener("change", () => {
  const ids = new Set(edits.all.map(({ uid }) => uid));
  const there = new Map(canvas.shapes.map((shape) => [shape.id, shape]));
  const all = [];
  for (const each of edits.all) {
    const key = each.edit.op === "draw" ? keyAt(each.edit, player.frame) : null;
    if (!key) all.push(each);
    else if (there.has(each.uid)) {
      const before = shapeOf(each.uid, key, size());
      const after = there.get(each.uid);
      const isSame = JSON.stringify(keyOf(before, 0, size())) === JSON.stringify(keyOf(after, 0, size()));
      all.push(isSame ? each : { ...each, edit: withKey(each.edit, keyOf(after, player.frame, size())) });
    }
  }
  for (const shape of there.values()) {
    if (!ids.has(shape.id)) all.push({ uid: shape.id, edit: { op: "draw", keys: [keyOf(shape, player.frame, size())] } });
  }
  edits.set(all);
});
canvas.addEventListener("undo", () => edits.undo());
canvas.addEventListener("redo", () => edits.redo());
canvas.addEventListener("leave", () => $("frame-host").focus());

function showShapes() {
  const drawn = edits.all.filter(({ edit }) => edit.op === "draw");
  $("no-shapes").hidden = drawn.length > 0;
  $("shapes").replaceChildren(...drawn.map(({ uid, edit }, n) => {
    const first = edit.first ?? 0;
    const last = edit.last ?? (facts?.frames ?? 1) - 1;
    const stretch = edit.first == null && edit.last == null ? "on every frame" : `frame ${first} to ${last}`;
    const button = (text, onclick) => el("button", { className: "quiet", onclick }, text);
    const change = (values) => edits.replace(uid, Object.fromEntries(
      Object.entries({ ...edit, ...values }).filter(([, value]) => value !== undefined)));
    return el("li", { "data-shape": n + 1 },
      el("button", { onclick: () => player.show(edit.keys[0].frame).then(() => canvas.focus(uid)) },
        el("strong", {}, `Shape ${n + 1}`), el("span", {}, `${stretch}; ${count(edit.keys.length, "key")}`)),
      el("div", { className: "actions" },
        button("From here", () => change({ first: player.frame, last: edit.last != null && edit.last < player.frame ? undefined : edit.last })),
        button("To here", () => change({ last: player.frame, first: edit.first != null && edit.first > player.frame ? undefined : edit.first })),
        button("Every frame", () => change({ first: undefined, last: undefined })),
        edit.keys.length > 1 && edit.keys.some((key) => key.frame === player.frame)
          ? button("Remove this key", () => change({ keys: edit.keys.filter((key) => key.frame !== player.frame) })) : null,
        button("Remove", () => edits.remove(uid))));
  }));
  showCanvas();
}

// Findings ---------------------------------------------------------------------------------------

const sameFinding = (one, other) => JSON.stringify(one?.box) === JSON.stringify(other?.box) && one?.time === other?.time;
const settled = (each) => edits.all.find(({ edit }) => edit.finding && sameFinding(edit.finding, each.finding));

function showFindings() {
  const all = facts?.findings ?? [];
  $("no-findings").hidden = all.length > 0;
  $("findings").replaceChildren(...all.map((each, n) => {
    const by = settled(each);
    const state = !by ? "open" : by.edit.op === "accept" ? `accepted: ${by.edit.reason}` : "covered";
    const reason = el("select", { "aria-label": "Why it need not be covered" }, ...REASONS.map(([value]) => el("option", { value }, value)));
    const note = el("input", { placeholder: "Note", maxLength: 500, "aria-label": "Note" });
    return el("li", { "data-state": by ? "settled" : "open" },
      el("button", { "aria-current": String(each === finding), onclick: () => chooseFinding(each) },
        el("strong", {}, `${n + 1}: ${clock(each.finding.time)}`),
        el("span", {}, `confidence ${(each.finding.confidence ?? 0).toFixed(2)}, ${state}`)),
      each !== finding ? null : el("div", { className: "actions" },
        by ? el("button", { className: "quiet", onclick: () => edits.remove(by.uid) }, "Open it again") : null,
        by ? null : reason, by ? null : note,
        by ? null : el("button", { className: "quiet", id: "accept", onclick: () => accept(each, reason.value, note.value.trim()) }, "Accept"),
        by ? null : el("button", { className: "strong", id: "cover", onclick: () => cover(each) }, "Cover it")));
  }));
}

function chooseFinding(each) {
  finding = each;
  player.pause();
  player.show(each.frame);
  showFindings();
  $("findings").querySelector("[aria-current=true]")?.focus();
}

function accept(each, reason, note) {
  if (reason === "other" && !note) {
    tell("Say in the note what it is.");
    return;
  }
  edits.add({ op: "accept", finding: each.finding, reason, note });
}

/** Cover what was found: half as large again, a little before and after it was seen. */
function cover(each) {
  const [x0, y0, x1, y1] = each.finding.box;
  const [dx, dy] = [(x1 - x0) / 4, (y1 - y0) / 4];
  const box = [Math.floor(x0 - dx), Math.floor(y0 - dy), Math.ceil(x1 + dx), Math.ceil(y1 + dy)];
  const around = (frame, seconds) => facts.times.findIndex((time) => time >= facts.times[frame] + seconds);
  const first = Math.max(0, around(each.frame, -0.5));
  const last = around(each.last, 0.5);
  edits.add({
    op: "draw", keys: [{ frame: each.frame, box }], first, last: last < 0 ? facts.frames - 1 : last, finding: each.finding,
  });
}

function stepFinding(by) {
  const all = facts?.findings ?? [];
  if (!all.length) return;
  const now = all.indexOf(finding);
  const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : (now + by + all.length) % all.length;
  chooseFinding(all[next]);
}

// Tracks -----------------------------------------------------------------------------------------

const aboutTrack = (number) => edits.all.filter(({ edit }) => edit.track === number || edit.tracks?.includes(number));

function saidOfTrack({ track: number }) {
  return aboutTrack(number).map(({ edit }) => ({ spare: "shown", hide: "hidden", merge: "merged", grow: "grown", extend: "extended" })[edit.op]).join(", ");
}

function chooseTrack(each) {
  track = each;
  player.pause();
  player.show(each.best);
  showChosenTrack();
}

function showChosenTrack() {
  for (const button of $("tracks").querySelectorAll("[aria-pressed=true]")) button.setAttribute("aria-pressed", "false");
  const box = $("track-actions");
  box.hidden = !track;
  if (!track) return;
  const { track: number } = track;
  $("tracks").querySelector(`button[data-track="${number}"]`)?.setAttribute("aria-pressed", "true");
  const button = (text, onclick, name = "quiet") => el("button", { className: name, onclick }, text);
  box.replaceChildren(
    el("p", {}, `Track ${number}${saidOfTrack(track) ? `: ${saidOfTrack(track)}` : ""}`),
    el("div", { className: "actions" },
      button("First frame", () => player.show(track.first)), button("Last frame", () => player.show(track.last)),
      button("Larger cover", () => grow(number)),
      button("Extend to this frame", () => edits.add({ op: "extend", track: number, to: player.frame })),
      button("Merge…", () => merge(number)), button("No face…", () => hide(number)),
      button("Show this person…", () => spare(number))));
}

function grow(number) {
  const known = edits.all.find(({ edit }) => edit.op === "grow" && edit.track === number);
  const factor = Math.min(4, Number(((known?.edit.factor ?? 1) * 1.25).toFixed(2)));
  if (known) edits.replace(known.uid, { ...known.edit, factor });
  else edits.add({ op: "grow", track: number, factor });
}

async function merge(number) {
  const others = facts.tracks.filter((each) => each.track !== number)
    .map((each) => [String(each.track), `Track ${each.track}, ${clock(facts.times[each.first])}`]);
  if (!others.length) return;
  const given = await ask({ title: `Merge track ${number} with`, text: "Both are of one person, who is covered between them too.", fields: [["other", "Track", others]] });
  if (given) edits.add({ op: "merge", tracks: [number, Number(given.other)] });
}

async function hide(number) {
  const given = await ask({
    title: `Track ${number} is no face?`, fields: [["note", "What is it?", {}]],
    text: "It is not covered any more. That is shown once it is saved, and stands in the report.",
  });
  if (given?.note) edits.add({ op: "hide", track: number, reason: "not a face", note: given.note });
}

async function spare(number) {
  const given = await ask({
    title: `Show the person of track ${number}?`, danger: true,
    text: "This face will be seen. Everybody else stays covered.",
    fields: [["reason", "Why", {}], ["by", "Who decided this", {}]],
  });
  if (!given?.reason || !given.by) return;
  const sure = await ask({
    title: "Are you sure?", danger: true, yes: "Show this person",
    text: `Track ${number} will be uncovered on every frame, because ${given.by} decided so: ${given.reason}. This stands in the report.`,
  });
  if (sure) edits.add({ op: "spare", track: number, ...given, confirmed: true });
}

function showDecisions() {
  const said = {
    accept: (e) => `Accepted at ${clock(e.finding.time)}: ${e.reason}${e.note ? `, ${e.note}` : ""}`,
    watched: (e) => `${e.by} watched all of it`,
    hide: (e) => `Track ${e.track} is no face: ${e.note}`,
    spare: (e) => `Track ${e.track} is shown: ${e.reason} (${e.by})`,
    merge: (e) => `Tracks ${e.tracks.join(" and ")} are one`,
    extend: (e) => `Track ${e.track} is covered to frame ${e.to}`,
    grow: (e) => `Track ${e.track}: cover ${e.factor} times as large`,
  };
  const shown = edits.all.filter(({ edit }) => edit.op in said);
  $("no-decisions").hidden = shown.length > 0;
  $("decisions").replaceChildren(...shown.map(({ uid, edit }) => el("li", {}, said[edit.op](edit),
    el("div", { className: "actions" }, el("button", { className: "quiet", onclick: () => edits.remove(uid) }, "Take back")))));
}

// Saving -----------------------------------------------------------------------------------------

async function save() {
  if (!facts) return false;
  const values = { reviewer: $("reviewer").value.trim(), edits: edits.values, based_on: facts.saved_sha256 };
  try {
    const made = await request(at("save"), { method: "POST", values });
    facts.saved_sha256 = made.saved_sha256;
    draft = made.draft;
  } catch (error) {
    tell(error.message);
    $("saved").textContent = error.message;
    return false;
  }
  savedText = JSON.stringify(edits.values);
  player.forget();
  showEdits();
  $("saved").textContent = "Saved";
  await player.show(player.frame);
  loadQueue();
  return true;
}

async function apply() {
  if (!(await save())) return;
  try {
    await request(at("apply"), { method: "POST", values: {}, as: "text" });
  } catch (error) {
    tell(error.message);
    return;
  }
  $("progress").hidden = false;
  follow(facts.number);
}

async function follow(number) {
  for (;;) {
    await new Promise((done) => setTimeout(done, 400));
    let status;
    try {
      status = (await request("/progress.json")).recordings.find((each) => each.number === number);
    } catch (error) {
      tell(error.message);
      continue;
    }
    $("progress").value = status.share;
    $("doing").textContent = status.error || (status.done ? "Applied: the output is drawn, verified and published." : `${status.doing}…`);
    if (!status.done && !status.error) continue;
    $("progress").hidden = true;
    await loadQueue();
    if (status.done && facts?.number === number && !isChanged()) await open(number);
    return;
  }
}

// The queue --------------------------------------------------------------------------------------

const FILTERS = {
  look: (each) => each.state === "done" && (each.verdict === "review" || (each.open > 0 && each.verdict !== "accepted") || each.verdict === null),
  all: () => true,
  accepted: (each) => each.verdict === "accepted",
  failed: (each) => each.state === "failed",
};

async function loadQueue() {
  let told;
  try {
    told = await request("/queue.json");
  } catch (error) {
    tell(error.message);
    return;
  }
  queue = told.recordings;
  if (!$("reviewer").value) $("reviewer").value = told.reviewer;
  document.title = `Review ${told.title} · blurcam`;
  showQueue();
}

const listed = () => queue.filter(FILTERS[$("filter").value]);

function showQueue() {
  const shown = listed();
  $("queue-hint").textContent = `${count(shown.length, "recording")} of ${queue.length}`;
  $("queue").replaceChildren(...shown.map((each) => el("li", {}, el("button", {
    "aria-current": String(each.number === facts?.number), disabled: !each.can_open, onclick: () => open(each.number),
  }, el("strong", {}, each.name), el("span", {}, [
    each.state === "failed" ? "failed" : each.verdict ?? "not verified",
    each.findings ? `${each.open} of ${count(each.findings, "finding")} open` : "",
    each.edits ? count(each.edits, "edit") : "",
  ].filter(Boolean).join(", ")), ...each.reasons.slice(0, 3).map(({ text }) => el("span", {}, text))))));
}

function stepRecording(by) {
  const shown = listed().filter((each) => each.can_open);
  const now = shown.findIndex((each) => each.number === facts?.number);
  const next = shown[now < 0 ? 0 : (now + by + shown.length) % shown.length];
  if (next) open(next.number);
}

/** Tell the server that somebody is here, and hear of others. */
async function present() {
  if (!facts) return;
  try {
    const { others } = await request(at("here"), { method: "POST", values: { id: me, reviewer: $("reviewer").value } });
    $("others").hidden = !others.length;
    $("others").textContent = others.length ? `Also under review by ${others.join(", ")}.` : "";
  } catch {
    // asked again soon
  }
}

// Keys and buttons -------------------------------------------------------------------------------

const step = (by) => {
  player.pause();
  player.show(player.frame + by);
};
const togglePlay = () => (player.isPlaying ? player.pause() : player.play());
const draw = (kind) => {
  if (!facts) return;
  player.pause();
  canvas.draw(kind, { tag: "drawn" });
};

const BUTTONS = {
  play: togglePlay, back: () => step(-1), forward: () => step(1),
  "previous-finding": () => stepFinding(-1), "next-finding": () => stepFinding(1),
  ellipse: () => draw("ellipse"), polygon: () => draw("polygon"),
  undo: () => edits.undo(), redo: () => edits.redo(), save, apply, watched,
};
for (const [id, action] of Object.entries(BUTTONS)) $(id).addEventListener("click", action);
$("filter").addEventListener("change", showQueue);
$("outlines").addEventListener("change", () => {
  outlines = null;
  player.draw();
  showOutlines();
  if (!$("outlines").checked) player.show(player.frame);
});

async function watched() {
  if (!facts) return;
  const given = await ask({
    title: "You watched all of it?", yes: "I watched it",
    text: "From beginning to end, and every face was covered. This stands in the report, and settles what the verifier was not sure of.",
  });
  if (given) edits.add({ op: "watched", by: $("reviewer").value.trim() || "somebody" });
}

const KEY_ACTIONS = {
  " ": togglePlay, ",": () => step(-1), ".": () => step(1), n: () => stepFinding(1), p: () => stepFinding(-1),
  j: () => stepRecording(1), k: () => stepRecording(-1), e: () => draw("ellipse"), g: () => draw("polygon"),
  a: () => finding && !settled(finding) && $("accept")?.click(), c: () => finding && !settled(finding) && cover(finding),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    const actions = { s: save, z: () => (event.shiftKey ? edits.redo() : edits.undo()), y: () => edits.redo() };
    if (!(key in actions) || (isTyping && key !== "s")) return;
    event.preventDefault();
    actions[key]();
    return;
  }
  if (isTyping || event.altKey || canvas.drawing || !(key in KEY_ACTIONS)) return;
  if (key === " " && event.target.closest("button, summary, a, input")) return;
  event.preventDefault();
  KEY_ACTIONS[key]();
});

addEventListener("beforeunload", (event) => {
  if (isChanged()) event.preventDefault();
});

$("keys").replaceChildren(...[...OWN_KEYS, ...KEYS].flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)]));
setInterval(present, 8000);
showEdits();
loadQueue().then(() => stepRecording(1));
