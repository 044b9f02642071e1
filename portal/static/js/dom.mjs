/** Small tools every module shares: elements, icons, words, tokens, stored choices, toasts. */

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Build an element; `on` holds listeners, `text` its text; strings become text nodes, never markup. */
export function el(tag, { on = {}, text, dataset = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const [kind, listener] of Object.entries(on)) node.addEventListener(kind, listener);
  Object.assign(node.dataset, dataset);
  if (text !== undefined) node.textContent = text;
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of the sprite; decorative, so name its button. */
export function icon(name, cls = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `i ${cls}`.trim());
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.documentElement.dataset.sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Swap the icon inside a button. */
export function setIcon(button, name) {
  const use = $("use", button);
  if (use) use.setAttribute("href", `${document.documentElement.dataset.sprite}#${name}`);
}

/** A level badge: colour, shape and word together. */
export function levelBadge(level, word, bare = false) {
  return el("span", { class: `lv lv${level}${bare ? " bare" : ""}` }, word);
}

const words = new Map();
for (const block of $$("script[data-strings]")) {
  for (const [key, value] of Object.entries(JSON.parse(block.textContent))) words.set(key, value);
}

/** The translated words for a key, with {names} filled in. */
export function t(key, facts = {}) {
  const text = words.get(key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

export const locale = () => document.documentElement.lang || "zh-CN";
export const theme = () => document.documentElement.dataset.theme;

/** The present value of a design token. */
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Choices kept in this browser; a refusing browser just forgets. */
export const store = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* private mode: the choice lives for this page */ } },
  remove(key) { try { localStorage.removeItem(key); } catch { /* as above */ } },
};

const number = new Map();

/** A number in the page's language. */
export function formatNumber(value, digits = 0) {
  if (!number.has(digits)) {
    number.set(digits, new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }));
  }
  return number.get(digits).format(value);
}

/** Fetch JSON from our own server; throws on any other answer. */
export async function getJson(url, options = {}) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", ...options });
  if (!answer.ok) throw Object.assign(new Error(`${answer.status} ${url}`), { status: answer.status });
  return answer.json();
}

const SIGNS = { success: "circle-check", warning: "triangle-alert", error: "octagon-alert", alarm: "siren", info: "info" };
const SHOWN_MS = { success: 5000, info: 6000, warning: 9000 };

/** Show a message; errors and alarms stay until closed. `action` is {text, url}. */
export function toast(message, { kind = "info", action = null } = {}) {
  const box = $("#toasts");
  if (!box) return null;
  const body = el("div", {}, message);
  if (action) body.append(" ", el("a", { href: action.url, text: action.text }));
  const close = el("button", { class: "ib", type: "button", "aria-label": t("close"), dataset: { dismiss: "" } }, icon("x", "i-s"));
  const note = el("div", { class: `toast toast-${kind}`, role: kind === "alarm" || kind === "error" ? "alert" : null }, icon(SIGNS[kind] ?? "info"), body, close);
  box.append(note);
  while (box.children.length > 4) box.firstElementChild.remove();
  if (SHOWN_MS[kind]) setTimeout(() => note.remove(), SHOWN_MS[kind]);
  return note;
}

/** Say something to screen readers only. */
export function announce(message) {
  const box = $("#announcer");
  if (box) box.textContent = message;
}

/** Ask with the page's own dialog; resolves to true or false. */
export function confirmed(question, { yes = null, danger = false } = {}) {
  const dialog = $("#confirm");
  $(".dialog-body", dialog).textContent = question;
  const button = $("[value=yes]", dialog);
  button.dataset.word ??= button.textContent;
  button.textContent = yes || button.dataset.word;
  button.className = `btn ${danger ? "btn-d" : "btn-p"}`;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Set the widths that templates name in data-w (percent). */
export function setWidths(root = document) {
  for (const bar of $$("[data-w]", root)) bar.style.width = `${Math.min(100, Math.max(0, Number(bar.dataset.w)))}%`;
}

const MINUTE = 60_000, HOUR = 3_600_000, DAY = 86_400_000;

/** Words for an instant seen from now: "5 min ago", or with `due` "in 2 h" and "1 h overdue". */
export function relative(instant, { due = false, now = Date.now() } = {}) {
  const gap = now - instant, size = Math.abs(gap);
  const [unit, n] = size < HOUR ? ["minutes", Math.floor(size / MINUTE)] : size < DAY ? ["hours", Math.floor(size / HOUR)] : ["days", Math.floor(size / DAY)];
  if (due) return gap > 0 ? t(`late_${unit}`, { n }) : t(`in_${unit}`, { n });
  if (gap < MINUTE) return t("now");
  return t(`${unit}_ago`, { n });
}

/** Refresh every time element marked data-ago or data-due. */
export function freshenTimes(root = document) {
  for (const node of $$("time[data-ago], time[data-due]", root)) {
    const instant = Date.parse(node.dateTime);
    if (Number.isNaN(instant)) continue;
    node.title ||= node.textContent.trim();
    const due = "due" in node.dataset;
    node.textContent = relative(instant, { due });
    if (due) node.classList.toggle("late", instant < Date.now());
  }
}
