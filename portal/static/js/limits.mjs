/** Alarm limits: the week's curve with the limits being typed, defaults filled in, the progress of a rehearsal. */

import { drawSeries } from "./chart.mjs";
import { formatNumber, getJson } from "./dom.mjs";

const NAMES = ["high_high", "high", "low", "low_low"];
const REDRAW_MS = 150, ASK_MS = 1500;

function figureOf(text) {
  const value = Number(String(text ?? "").trim());
  return String(text ?? "").trim() === "" || !Number.isFinite(value) ? null : value;
}

function limitsNow(chart, form) {
  const names = JSON.parse(chart.dataset.names);
  return NAMES.map((name) => ({ name, value: figureOf(form ? form.elements[name]?.value : chart.dataset[name]) }))
    .filter((each) => each.value !== null)
    .map(({ name, value }) => ({ value, kind: name.startsWith("low") ? "low" : "high", level: name.includes("_") ? 1 : 2, label: names[name], name }));
}

/** Share of the buckets that reach beyond each limit, in words. */
function told(chart, series, limits) {
  const known = series.v.map((value, place) => [series.lo?.[place] ?? value, series.hi?.[place] ?? value]).filter(([low, high]) => low !== null && high !== null);
  if (!known.length || !limits.length) return "";
  const parts = limits.map((limit) => {
    const beyond = known.filter(([low, high]) => (limit.kind === "low" ? low < limit.value : high > limit.value)).length;
    return `${limit.label} ${formatNumber((100 * beyond) / known.length, 2)} %`;
  });
  return `${parts.join(" · ")} ${chart.dataset.beyond}`;
}

async function showCurve(chart) {
  const form = document.querySelector("[data-limits-form]"), line = document.querySelector("[data-limits-told]");
  let series = null;
  try { series = await getJson(chart.dataset.limitsUrl); } catch { chart.querySelector(".chart-note")?.remove(); return; }
  const draw = () => {
    const limits = limitsNow(chart, form);
    drawSeries(chart, { ...series, limits, height: 240 });
    if (line) line.textContent = told(chart, series, limits);
  };
  draw();
  let waiting = 0;
  form?.addEventListener("input", (event) => {
    if (!NAMES.includes(event.target.name)) return;
    clearTimeout(waiting);
    waiting = setTimeout(draw, REDRAW_MS);
  });
}

/** Put the defaults of a template into the form; what it leaves open stays as it is. */
function fill(content) {
  const form = document.querySelector("[data-limits-form]");
  if (!form) return;
  const put = (name, value) => {
    const field = form.elements[name];
    if (!field) return;
    if (field.type === "checkbox") field.checked = Boolean(value); else field.value = Array.isArray(value) ? value.join(", ") : value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (const [name, value] of Object.entries(content)) {
    if (value && typeof value === "object" && !Array.isArray(value)) for (const [key, each] of Object.entries(value)) put(`${name}-${key}`, each);
    else put(name, value);
  }
}

async function watchProgress(element) {
  const bar = element.querySelector("progress"), done = element.querySelector("[data-done]");
  for (;;) {
    await new Promise((ready) => { setTimeout(ready, ASK_MS); });
    let now = null;
    try { now = await getJson(element.dataset.limitsProgress); } catch { continue; }
    bar.value = now.done;
    done.textContent = String(now.done);
    if (now.state !== "waiting" && now.state !== "running") { location.reload(); return; }
  }
}

export function install() {
  const chart = document.querySelector("[data-limits-url]"), progress = document.querySelector("[data-limits-progress]");
  if (chart) showCurve(chart);
  if (progress) watchProgress(progress);
  for (const button of document.querySelectorAll("[data-limits-fill]")) button.addEventListener("click", () => fill(JSON.parse(button.dataset.limitsFill)));
}
