/** A process picture with living values: news of intake or alarms makes it ask for what its instruments show now. */

import { $, $$, getJson, locale, t } from "../dom.mjs";
import { on } from "../live.mjs";

const box = $("#process"), station = box.dataset.station;
const AGAIN_MS = 1500, SLOW_MS = 30_000, LOST_MS = 90_000;
const clock = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });
const MARKS = { 1: "M142 9h12v12h-12z", 2: "M148 8l7.5 13h-15z", 3: "M148 7l7.5 7.5-7.5 7.5-7.5-7.5z", 4: "M148 8.5a6 6 0 1 0 .01 0z" };
let waiting = null, last = 0, good = Date.now();

function said(read) {
  return [read.point === null ? "" : `${read.text} ${read.unit}`, read.word, read.alarm_word].filter(Boolean).join(" ");
}

function mark(inst, level) {
  $(".mark", inst).setAttribute("d", MARKS[level] ?? "");
}

function show(inst, read) {
  inst.setAttribute("class", `inst is-${read.state}${read.level ? ` lv-${read.level}` : ""}${read.unseen ? " unseen" : ""}`);
  const text = read.point === null ? "–" : read.text;
  $(".figure", inst).textContent = text;
  $(".unit", inst).textContent = read.point === null ? "" : read.unit;
  $(".word", inst).textContent = read.word;
  $(".strike", inst).setAttribute("d", `M10 37H${14 + 11 * text.length}`);
  $(".fill", inst).setAttribute("width", String(140 * (read.share ?? 0)));
  mark(inst, read.level);
  $(".alarm-word", inst).textContent = read.alarm_word ?? "";
  const words = `${read.label}: ${said(read)}`;
  inst.setAttribute("aria-label", words);
  $("title", inst).textContent = words;
}

function tag(id, number) {
  const element = $(id);
  element.hidden = !number;
  if (number) $("b", element).textContent = String(number);
}

function render(found) {
  for (const [key, read] of Object.entries(found.slots)) {
    const inst = $(`[data-slot="${key}"]`, box);
    if (inst) show(inst, read);
    for (const flow of $$(`[data-flow="${key}"]`, box)) flow.classList.toggle("on", Boolean(read.moves));
    for (const fluid of $$(`[data-fluid="${key}"]`, box)) {
      const height = Number(fluid.dataset.height);
      fluid.setAttribute("y", String(read.state === "good" ? height * (1 - (read.share ?? 0)) : height));
    }
  }
  for (const read of found.others) {
    const row = $(`[data-other="${read.point}"]`);
    if (!row) continue;
    $(".figure", row).textContent = read.text;
    $(".word", row).textContent = read.word || t("good");
    row.classList.toggle("stale", read.state !== "good");
  }
  tag("#s-alarm", found.alarms); tag("#s-stale", found.stale); tag("#s-bad", found.bad);
  if (found.level) $("#s-alarm .lv").className = `lv lv${found.level}`;
  $("#s-calm").hidden = Boolean(found.level || found.stale || found.bad);
  $("#as-of").textContent = clock.format(Date.parse(found.at));
}

async function load() {
  last = Date.now();
  try {
    render(await getJson(`/operation/stations/${station}/values`));
    good = Date.now();
    box.dataset.read = String(Number(box.dataset.read ?? 0) + 1);
  } catch { /* said below once it lasts */ }
  const lost = Date.now() - good > LOST_MS;
  box.classList.toggle("is-lost", lost);
  $("#fresh-line").dataset.state = lost ? "late" : "";
  if (lost) $("#as-of").textContent = t("values_lost", { at: clock.format(good) });
}

function soon() {
  waiting ??= setTimeout(() => { waiting = null; load(); }, Math.max(150, last + AGAIN_MS - Date.now()));
}

for (const inst of $$(".inst", box)) mark(inst, Number(/lv-(\d)/.exec(inst.getAttribute("class"))?.[1] ?? 0));
on("intake", soon);
on("alarm", soon);
// Values grow stale though nothing arrives.
setInterval(soon, SLOW_MS);
