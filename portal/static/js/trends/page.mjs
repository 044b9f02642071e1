/** The page of trends: panes, their legend as a table under the cursor, search, time, comparisons, alarms, live. */

import { $, $$, announce, el, formatNumber, getJson, icon, levelBadge, t, toast, token } from "../dom.mjs";
import { on } from "../live.mjs";
import { valueAt } from "./curves.mjs";
import { digitsFor, fullTime, Pane } from "./pane.mjs";
import { asQuery, keep, LIMIT, pointsOf, readState } from "./state.mjs";

const SPANS = new Map($$("#spans [data-span]").map((each) => [each.dataset.span, Number(each.dataset.seconds)]));
const root = $("#trends"), panesBox = $("#panes"), legendBox = $("#legend"), found = $("#found");
const LEVELS = JSON.parse(root.dataset.levels);
let state = readState(), panes = [], answer = null, chosen = 0, focus = null, asking = null, waiting = null, lastAsked = 0, at = null;
const known = new Map();

const colourOf = (place) => token(`--t${(place % LIMIT.points) + 1}`);
const live = () => state.span !== "";
const spanSeconds = () => (live() ? SPANS.get(state.span) ?? 86_400 : state.to - state.from);
const ends = () => (answer ? [answer.from, answer.to] : live() ? [Date.now() / 1000 - spanSeconds(), Date.now() / 1000] : [state.from, state.to]);

// ---- asking -----------------------------------------------------------------------------------------------------------

async function load({ quiet = false } = {}) {
  asking?.abort();
  const mine = asking = new AbortController();
  showTime();
  if (!state.panes.length) { answer = null; render(); return; }
  const began = performance.now();
  lastAsked = Date.now();
  if (!quiet) panesBox.setAttribute("aria-busy", "true");
  try {
    const width = Math.round(Math.min(1900, Math.max(320, panesBox.clientWidth)));
    const got = await getJson(`/operation/trends/data?${asQuery(state)}&width=${width}`, { signal: mine.signal });
    if (mine.signal.aborted) return;
    answer = got;
    for (const point of got.points) known.set(point.id, point);
    render();
    root.dataset.ms = String(Math.round(performance.now() - began));
    root.dataset.drawn = String(Number(root.dataset.drawn ?? 0) + 1);
    $("#lost").hidden = true;
  } catch (problem) {
    if (problem.name === "AbortError") return;
    $("#lost").hidden = false;
    $("#lost span").textContent = t("trends_lost", { at: fullTime.format(Date.now()) });
  } finally {
    if (asking === mine) panesBox.removeAttribute("aria-busy");
  }
}

/** New readings arrived: renew a living picture, long spans less often. */
function freshen() {
  if (!live() || !state.panes.length || document.hidden || waiting) return;
  const every = spanSeconds() <= 86_400 ? 5000 : spanSeconds() <= 31 * 86_400 ? 30_000 : 120_000;
  waiting = setTimeout(() => { waiting = null; if (live()) load({ quiet: true }); }, Math.max(0, lastAsked + every - Date.now()));
}

function go(change, { step = true } = {}) {
  state = { ...state, ...change };
  keep(state, { step });
  load();
}

// ---- drawing ----------------------------------------------------------------------------------------------------------

const order = () => pointsOf(state);
const label = (id) => { const point = known.get(id); return point ? `${point.object} ${point.name}` : `#${id}`; };

function piecesOf(pane) {
  const all = order(), pieces = [];
  for (const curve of answer?.series ?? []) {
    const own = pane.includes(curve.id), place = all.indexOf(curve.id), point = known.get(curve.id);
    if (!point || (curve.role !== "weather" && !own)) continue;
    const weather = curve.role === "weather";
    pieces.push({ curve, unit: point.unit, role: curve.role, label: label(curve.id), number: place + 1, colour: weather ? token("--t-weather") : colourOf(place) });
  }
  // What is compared with lies beneath.
  return pieces.sort((one, other) => (one.role === "own") - (other.role === "own"));
}

function focusOf(pane) {
  return pane.includes(focus) ? focus : pane[0];
}

function render() {
  $("#empty").hidden = state.panes.length > 0;
  root.classList.toggle("is-empty", !state.panes.length);
  while (panes.length > state.panes.length) panes.pop().destroy();
  while (panes.length < state.panes.length) {
    const made = new Pane(panes.length + 1, { zoom, cursor: showCursor, chosen: (pane) => choose(panes.indexOf(pane)), spoken: speak });
    panes.push(made);
    panesBox.append(made.element);
  }
  chosen = Math.min(chosen, Math.max(0, panes.length - 1));
  const [from, to] = ends();
  panes.forEach((pane, place) => {
    const ids = state.panes[place], first = focusOf(ids), unit = known.get(first)?.unit;
    const limits = state.limits && answer ? answer.limits.filter((limit) => limit.id === first).map((limit) => ({ ...limit, unit })) : [];
    pane.head.replaceChildren(
      el("b", { text: t("pane_n", { n: place + 1 }) }),
      el("span", { class: "muted ell", text: ids.map(label).join(" · ") }),
      limits.length ? el("span", { class: "muted fs12 nowrap", text: t("limits_of", { name: label(first) }) }) : null,
    );
    pane.draw(piecesOf(ids), { from, to, limits, alarms: (answer?.alarms ?? []).filter((alarm) => ids.includes(alarm.point)), live: live() });
    pane.element.classList.toggle("is-chosen", place === chosen && panes.length > 1);
  });
  legend();
  alarmList();
  showTools();
}

function legend() {
  legendBox.replaceChildren(...state.panes.map((ids, place) => {
    const rows = ids.flatMap((id) => rowsOf(id, place));
    return el("table", { class: "legend" },
      el("caption", { class: panes.length > 1 ? "" : "sr", text: t("pane_n", { n: place + 1 }) }),
      el("thead", {}, el("tr", {}, ...["point", "value", "lowest", "mean", "highest"].map((key) => el("th", { scope: "col", class: key === "point" ? "" : "n", text: t(key) })), el("th", { class: "legend-acts" }, el("span", { class: "sr", text: t("actions") })))),
      el("tbody", {}, ...rows));
  }));
  const weather = (answer?.series ?? []).find((curve) => curve.role === "weather");
  if (weather) legendBox.append(el("table", { class: "legend" }, el("caption", { text: t("weather") }), el("tbody", {}, ...rowsOf(weather.id, 0, "weather"))));
  fillValues();
}

function rowsOf(id, pane, only = "own") {
  const point = known.get(id), curves = (answer?.series ?? []).filter((curve) => curve.id === id && (only === "weather") === (curve.role === "weather"));
  const place = order().indexOf(id), colour = only === "weather" ? token("--t-weather") : colourOf(place);
  return (curves.length ? curves : [{ id, role: only, v: [] }]).map((curve) => {
    // One decimal more than the axis has: here a value is read, there two are told apart.
    const sum = curve.sum, digits = sum ? digitsFor(sum.min, sum.max) + 1 : 1, then = curve.role === "last_year";
    const figure = (value) => el("td", { class: "n", text: value === undefined ? "–" : formatNumber(value, digits) });
    const mark = el("i", { class: `swatch${then ? " faint" : ""}`, text: only === "weather" ? "" : String(place + 1) });
    mark.style.background = colour;
    const name = el("button", { class: "legend-name", type: "button", "aria-pressed": String(focusOf(state.panes[pane] ?? []) === id), title: t("show_limits"), on: { click: () => { focus = id; chosen = pane; render(); } } },
      el("b", { class: "ell", text: then ? t("last_year") : point?.name ?? `#${id}` }), el("small", { class: "ell", text: then ? point?.name ?? "" : `${point?.object ?? ""} · ${point?.unit ?? ""}` }));
    const acts = el("td", { class: "legend-acts" }, el("div", {}, ...(then || only === "weather" ? [] : [
      el("a", { class: "ib", href: `/operation/points/${id}`, "aria-label": t("open_point", { name: label(id) }), title: t("open_point", { name: label(id) }) }, icon("external-link", "i-s")),
      el("button", { class: "ib", type: "button", "aria-label": t("move_point", { name: label(id) }), title: t("move_point", { name: label(id) }), on: { click: () => move(id) } }, icon("arrow-up-down", "i-s")),
      el("button", { class: "ib", type: "button", "aria-label": t("remove_point", { name: label(id) }), title: t("remove_point", { name: label(id) }), on: { click: () => remove(id) } }, icon("x", "i-s")),
    ])));
    const row = el("tr", { dataset: { point: id, role: curve.role } }, el("td", {}, el("div", { class: "row" }, mark, name)), el("td", { class: "n now" }), figure(sum?.min), figure(sum?.mean), figure(sum?.max), acts);
    row.curve = curve; row.digits = digits;
    return row;
  });
}

/** The values under the cursor; without one, the newest. */
function fillValues() {
  const [, to] = ends();
  for (const row of $$("tr[data-point]", legendBox)) {
    const { curve } = row, cell = $(".now", row);
    if (!curve?.v?.length) { cell.textContent = "–"; continue; }
    const last = curve.t0 + curve.shift + (curve.v.length - 1) * curve.step, read = valueAt(curve, at ?? Math.min(to, last));
    cell.replaceChildren();
    cell.classList.toggle("doubtful", Boolean(read?.doubtful));
    if (!read) { cell.textContent = "–"; continue; }
    cell.append(el("b", { text: formatNumber(read.value, row.digits) }));
    if (read.doubtful) cell.append(el("small", { class: "word-warn", text: t("doubtful") }));
    if (read.late) cell.append(el("small", { class: "word-late", text: t("back_filled") }));
    if (at !== null && read.low !== null && read.low !== read.high) cell.append(el("small", { text: `${formatNumber(read.low, row.digits)} – ${formatNumber(read.high, row.digits)}` }));
  }
  $("#cursor-time").textContent = at === null ? t("newest") : fullTime.format(at * 1000);
}

function showCursor(x) {
  if (x === at) return;
  at = x;
  requestAnimationFrame(fillValues);
}

function speak(x) {
  at = x;
  fillValues();
  const said = state.panes[chosen].map((id) => {
    const row = $(`tr[data-point="${id}"][data-role="own"]`, legendBox), read = row?.curve?.v?.length ? valueAt(row.curve, x) : null;
    return `${label(id)} ${read ? `${formatNumber(read.value, row.digits)} ${known.get(id).unit}${read.doubtful ? ` ${t("doubtful")}` : ""}` : t("no_value")}`;
  });
  announce(`${fullTime.format(x * 1000)}: ${said.join("; ")}`);
}

function alarmList() {
  const box = $("#alarm-list"), alarms = answer?.alarms ?? [];
  $("#alarm-count").textContent = answer?.more_alarms ? `${alarms.length}+` : String(alarms.length);
  box.replaceChildren(...(alarms.length ? alarms.slice(0, 60).map((alarm) => el("li", {}, el("a", { class: "row-link", href: `/operation/alarms/${alarm.id}` },
    levelBadge(alarm.level, LEVELS[alarm.level]), el("span", { class: "grow" }, el("span", { class: "ell", text: label(alarm.point) }),
      el("small", { class: "muted", text: `${alarm.kind} · ${fullTime.format(alarm.at * 1000).slice(0, -3)}${alarm.historical ? ` · ${t("back_filled")}` : ""}` })),
    alarm.v === null ? null : el("b", { class: "num", text: formatNumber(alarm.v, 3) })))) : [el("li", { class: "muted", text: t("no_alarms") })]));
}

// ---- tools ------------------------------------------------------------------------------------------------------------

function showTime() {
  const [from, to] = live() ? [Date.now() / 1000 - spanSeconds(), Date.now() / 1000] : [state.from, state.to];
  const words = (x) => fullTime.format(x * 1000).slice(0, spanSeconds() < 7200 ? undefined : -3);
  $("#range-words").textContent = `${words(from)} – ${live() ? t("until_now") : words(to)}`;
  const field = (x) => new Date(x * 1000 + 8 * 3_600_000).toISOString().slice(0, 16);
  $("#from").value = field(from);
  $("#to").value = field(to);
}

function showTools() {
  for (const each of $$("#spans [data-span]")) each.setAttribute("aria-checked", String(each.dataset.span === state.span));
  $("#live").setAttribute("aria-pressed", String(live()));
  $("#year").setAttribute("aria-pressed", String(state.year));
  $("#weather").setAttribute("aria-pressed", String(state.weather));
  $("#limits").setAttribute("aria-pressed", String(state.limits));
  for (const link of $$("a[data-export]")) {
    const still = live() ? { ...state, span: "", from: answer?.from ?? 0, to: answer?.to ?? 0 } : state;
    link.href = `/operation/trends/export.${link.dataset.export}?${asQuery(still)}&width=${Math.round(panesBox.clientWidth || 720)}`;
    link.setAttribute("aria-disabled", String(!state.panes.length));
  }
  $("#count").textContent = `${order().length} / ${LIMIT.points}`;
  if (state.weather && answer && !answer.series.some((curve) => curve.role === "weather")) { $("#weather").title = t("no_weather"); }
}

function zoom(from, to) { if (to - from >= 10) go({ span: "", from: Math.floor(from), to: Math.ceil(to) }); }

function scale(factor) {
  const [from, to] = ends(), middle = at ?? (from + to) / 2, share = (middle - from) / (to - from), wide = Math.min(3650 * 86_400, Math.max(60, (to - from) * factor));
  const end = Math.min(middle + wide * (1 - share), Date.now() / 1000);
  zoom(end - wide, end);
}

function shift(share) {
  const [from, to] = ends(), by = Math.round((to - from) * share), end = Math.min(to + by, Math.round(Date.now() / 1000));
  if (end === to && by > 0) { backToLive(); return; }
  go({ span: "", from: end - (to - from), to: end });
}

/** End now again, with the named span nearest to what is shown. */
function backToLive() {
  const wide = spanSeconds();
  const nearest = [...SPANS].sort((one, other) => Math.abs(Math.log(one[1] / wide)) - Math.abs(Math.log(other[1] / wide)))[0][0];
  go({ span: nearest, from: null, to: null });
}

function choose(place) {
  if (place < 0 || place === chosen) return;
  chosen = place;
  panes.forEach((pane, index) => pane.element.classList.toggle("is-chosen", index === chosen && panes.length > 1));
}

function add(ids, { apart = false } = {}) {
  const room = LIMIT.points - order().length, fresh = ids.filter((id) => !order().includes(id)).slice(0, room);
  if (!fresh.length) { toast(ids.every((id) => order().includes(id)) ? t("already_shown") : t("picture_full", { n: LIMIT.points }), { kind: "warning" }); return; }
  const next = state.panes.map((pane) => [...pane]);
  if (!next.length || (apart && next.length < LIMIT.panes)) { next.push(fresh); chosen = next.length - 1; } else next[chosen].push(...fresh);
  go({ panes: next });
  for (const button of $$("button[data-add]", found)) button.disabled = order().includes(Number(button.dataset.add));
}

function remove(id) {
  go({ panes: state.panes.map((pane) => pane.filter((each) => each !== id)).filter((pane) => pane.length) });
}

/** Move a point into the next pane; from the last into a new one, or around to the first. */
function move(id) {
  const next = state.panes.map((pane) => [...pane]), from = next.findIndex((pane) => pane.includes(id)), alone = next[from].length === 1;
  next[from] = next[from].filter((each) => each !== id);
  let to = from + 1;
  if (to >= next.length) { if (!alone && next.length < LIMIT.panes) next.push([]); else to = 0; }
  next[to].push(id);
  chosen = 0;
  go({ panes: next.filter((pane) => pane.length) });
}

// ---- searching --------------------------------------------------------------------------------------------------------

let searching = null;
async function search() {
  const words = $("#find").value.trim(), measure = $("#find-measure").value;
  searching?.abort();
  found.hidden = !words;
  if (!words) { found.replaceChildren(); return; }
  searching = new AbortController();
  try {
    const asked = new URLSearchParams({ q: words, measure });
    const { points } = await getJson(`/operation/trends/points?${asked}`, { signal: searching.signal });
    for (const point of points) known.set(point.id, point);
    found.replaceChildren(...(points.length ? points.map(hit) : [el("li", { class: "muted", text: t("no_point_found") })]));
    announce(t("points_found", { n: points.length }));
  } catch (problem) {
    if (problem.name !== "AbortError") found.replaceChildren(el("li", { class: "muted", text: t("request_failed") }));
  }
}

function hit(point) {
  const shown = order().includes(point.id), name = `${point.object} ${point.name}`;
  return el("li", { class: "hit" },
    el("button", { class: "hit-main", type: "button", disabled: shown, dataset: { add: point.id }, on: { click: () => add([point.id]) } },
      el("span", { class: "grow" }, el("b", { class: "ell", text: point.name }), el("small", { class: "ell muted", text: `${point.object} · ${point.enterprise} · ${point.code}` })), el("small", { class: "muted", text: point.unit }), icon("plus", "i-s")),
    el("button", { class: "ib", type: "button", "aria-label": t("add_apart", { name }), title: t("add_apart", { name }), on: { click: () => add([point.id], { apart: true }) } }, icon("columns-3", "i-s")));
}

// ---- wiring -----------------------------------------------------------------------------------------------------------

function wire() {
  for (const each of $$("#spans [data-span]")) each.addEventListener("click", () => go({ span: each.dataset.span, from: null, to: null }));
  $("#live").addEventListener("click", () => (live() ? go({ span: "", from: ends()[0], to: ends()[1] }) : backToLive()));
  $("#earlier").addEventListener("click", () => shift(-0.5));
  $("#later").addEventListener("click", () => shift(0.5));
  $("#closer").addEventListener("click", () => scale(0.5));
  $("#wider").addEventListener("click", () => scale(2));
  $("#year").addEventListener("click", () => go({ year: !state.year }));
  $("#weather").addEventListener("click", () => go({ weather: !state.weather }));
  $("#limits").addEventListener("click", () => { state.limits = !state.limits; keep(state); render(); });
  $("#range-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const read = (field) => Date.parse(`${$(field).value}:00+08:00`) / 1000, from = read("#from"), to = read("#to");
    if (!(to > from)) { toast(t("backward_span"), { kind: "warning" }); return; }
    $("#range").open = false;
    go({ span: "", from, to });
  });
  $("#share").addEventListener("click", async () => {
    const still = live() && answer ? { ...state, span: "", from: answer.from, to: answer.to } : state, address = `${location.origin}${location.pathname}?${asQuery(still)}`;
    try { await navigator.clipboard.writeText(address); toast(t("copied"), { kind: "success" }); } catch { prompt(t("copy_address"), address); }
  });
  let typed = null;
  $("#find").addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(search, 180); });
  $("#find").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); $("button[data-add]:not(:disabled)", found)?.click(); } });
  $("#find-measure").addEventListener("change", search);
  for (const each of $$("[data-points]")) each.addEventListener("click", () => add(each.dataset.points.split(",").map(Number), { apart: "apart" in each.dataset }));
  addEventListener("popstate", () => { state = readState(); load(); });
  addEventListener("themechange", () => render());
  document.addEventListener("keydown", shortcut);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) freshen(); });
  on("intake", freshen);
  setInterval(freshen, 30_000);
}

function shortcut(event) {
  if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2), PageUp: () => shift(-0.5), PageDown: () => shift(0.5), l: backToLive, "/": () => $("#find").focus() }[event.key];
  if (!act || (!state.panes.length && event.key !== "/")) return;
  event.preventDefault();
  act();
}

wire();
load();
