// Small things that the page is made of: elements, times, questions, and lists.

/** Make an element: properties, `data-` and `aria-` attributes, then what is in it. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.includes("-")) made.setAttribute(key, String(value));
    else made[key] = value;
  }
  made.append(...children.filter((each) => each !== null && each !== undefined));
  return made;
}

/** A time as h:mm:ss.t. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const rest = Math.floor((seconds - whole) * 100);
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${two(rest)}`;
}

export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** Ask something: resolves to the fields' values, or `null`. Fields are [name, label, options]. */
export function ask({ title, text = "", fields = [], yes = "Go on", danger = false }) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("#ask-title").textContent = title;
  dialog.querySelector("#ask-text").textContent = text;
  const confirm = dialog.querySelector("#ask-yes");
  confirm.textContent = yes;
  dialog.dataset.tone = danger ? "bad" : "";
  const inputs = fields.map(([name, label, options]) => {
    const input = Array.isArray(options)
      ? el("select", { name }, ...options.map(([value, said]) => el("option", { value }, said)))
      : el("input", { name, required: true, maxLength: 500, autocomplete: "off", ...options });
    return [label, input];
  });
  dialog.querySelector("#ask-fields").replaceChildren(...inputs.map(([label, input]) => el("label", {}, label, input)));
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") resolve(null);
      else resolve(Object.fromEntries(inputs.map(([, input]) => [input.name, input.value.trim()])));
    }, { once: true });
    dialog.showModal();
    (inputs[0]?.[1] ?? confirm).focus();
  });
}

let telling;

/** Say something for a moment. */
export function tell(text) {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.dataset.shown = "";
  clearTimeout(telling);
  telling = setTimeout(() => delete toast.dataset.shown, 6000);
}

export class Failure extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Ask the server; raises Failure with what it says. */
export async function request(path, { method = "GET", values, as = "json" } = {}) {
  const body = values === undefined ? undefined : JSON.stringify(values);
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: body ? { "Content-Type": "application/json" } : {} });
  } catch {
    throw new Failure(0, "blurcam does not answer; is the review still running?");
  }
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Failure(answer.status, (await answer.text()).trim());
  return as === "text" ? answer.text() : answer[as]();
}

/** The tracks, each with its small picture once it is scrolled into view. */
export function trackList(list, tracks, { times, fetchPicture, choose, said }) {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      fetchPicture(Number(entry.target.dataset.track)).then(async (blob) => {
        const bitmap = await createImageBitmap(blob);
        Object.assign(entry.target, { width: bitmap.width, height: bitmap.height });
        entry.target.getContext("2d").drawImage(bitmap, 0, 0);
        bitmap.close();
      }).catch(() => {});
    }
  }, { root: list, rootMargin: "200px" });
  list.replaceChildren(...tracks.map((track) => {
    const picture = el("canvas", { "data-track": track.track, width: 1, height: 1, "aria-hidden": "true" });
    seen.observe(picture);
    const when = `${clock(times[track.first])} to ${clock(times[track.last])}`;
    return el("li", {}, el("button", { "data-track": track.track, "aria-pressed": "false", onclick: () => choose(track) },
      picture, el("strong", {}, `Track ${track.track}`),
      el("span", {}, [when, `${track.height} px`, track.confidence.toFixed(2), said(track)].filter(Boolean).join(", "))));
  }));
  return () => seen.disconnect();
}
