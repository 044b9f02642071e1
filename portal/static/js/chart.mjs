/**
 * Time series and sparklines on uPlot, coloured by the tokens and redrawn when the theme changes.
 *
 *   drawSeries(element, { t, v, lo, hi, limits, unit, label, digits, height });
 *     t       instants, seconds since the epoch, ascending
 *     v       values; null is a gap and stays one
 *     lo, hi  lowest and highest within each bucket (optional, drawn as a band)
 *     limits  [{ value, kind: "high" | "low", level: 1…4, label }]
 *     digits  decimals shown
 *   loadSeries(element, url)   the same from JSON of that shape
 *   sparkline(element, v)
 */

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { el, formatNumber, getJson, locale, t, token } from "./dom.mjs";

const ZONE = "Asia/Shanghai";
const drawn = new Map();

const clock = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: ZONE });
const day = new Intl.DateTimeFormat(locale(), { month: "2-digit", day: "2-digit", timeZone: ZONE });
const month = new Intl.DateTimeFormat(locale(), { year: "numeric", month: "2-digit", timeZone: ZONE });
const full = new Intl.DateTimeFormat(locale(), { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false, timeZone: ZONE });

function note(element, text) {
  forget(element);
  element.replaceChildren(el("p", { class: "chart-note", text }));
}

function forget(element) {
  const old = drawn.get(element);
  if (!old) return;
  old.plot.destroy();
  old.watch.disconnect();
  drawn.delete(element);
}

const limitName = (limit) => limit.label ?? t(limit.kind === "low" ? "low_limit" : "high_limit");

/** Limit lines, drawn over the plot with their value at the right end. */
function limitPlugin(limits, digits) {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.font = `${12 * devicePixelRatio}px ${token("--font-num")}`;
        for (const limit of limits) {
          const y = Math.round(plot.valToPos(limit.value, "y", true));
          if (y < bbox.top || y > bbox.top + bbox.height) continue;
          ctx.strokeStyle = token(`--r${limit.level ?? 1}`);
          ctx.fillStyle = token(`--r${limit.level ?? 1}-t`);
          ctx.lineWidth = 1.5 * devicePixelRatio;
          ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
          ctx.beginPath();
          ctx.moveTo(bbox.left, y);
          ctx.lineTo(bbox.left + bbox.width, y);
          ctx.stroke();
          ctx.textAlign = "right";
          ctx.setLineDash([]);
          ctx.strokeStyle = token("--bg-1");
          ctx.lineWidth = 4 * devicePixelRatio;
          ctx.lineJoin = "round";
          for (const write of ["strokeText", "fillText"]) ctx[write](`${limitName(limit)} ${formatNumber(limit.value, digits)}`, bbox.left + bbox.width - 4, y - 4 * devicePixelRatio);
        }
        ctx.restore();
      },
    },
  };
}

function tipPlugin(series) {
  const tip = el("div", { class: "chart-tip", hidden: true });
  const number = (value) => `${formatNumber(value, series.digits)} ${series.unit ?? ""}`.trim();
  return {
    hooks: {
      init: (plot) => plot.over.append(tip),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        const value = idx === null || idx === undefined ? null : series.v[idx];
        tip.hidden = value === null || value === undefined || left < 0;
        if (tip.hidden) return;
        const band = series.lo?.[idx] !== undefined && series.lo[idx] !== series.hi[idx];
        tip.replaceChildren(
          el("div", { text: full.format(series.t[idx] * 1000) }),
          el("b", { text: number(value) }),
          band ? el("div", { text: `${t("lowest")} ${number(series.lo[idx])} · ${t("highest")} ${number(series.hi[idx])}` }) : null,
        );
        const x = plot.valToPos(series.t[idx], "x"), right = x > plot.over.clientWidth / 2;
        tip.style.left = right ? "auto" : `${x + 10}px`;
        tip.style.right = right ? `${plot.over.clientWidth - x + 10}px` : "auto";
        tip.style.top = "4px";
      },
    },
  };
}

function axisTimes(plot, instants) {
  let before = "";
  if (instants.length > 1 && instants.at(-1) - instants[0] > 200 * 86_400) {
    return instants.map((instant) => {
      const words = month.format(instant * 1000), again = words === before;
      before = words;
      return again ? "" : words;
    });
  }
  return instants.map((instant) => {
    const date = day.format(instant * 1000), time = clock.format(instant * 1000);
    const words = date === before ? time : before === "" && instants.length > 1 && instants.at(-1) - instants[0] < 86_400 ? time : `${date}\n${time}`;
    before = date;
    return words;
  });
}

function valueRange(series) {
  return (plot, low, high) => {
    const marks = (series.limits ?? []).map((limit) => limit.value);
    let least = Math.min(low ?? Infinity, ...marks), most = Math.max(high ?? -Infinity, ...marks);
    if (!Number.isFinite(least)) [least, most] = [0, 1];
    const gap = most - least || Math.abs(most) * 0.1 || 1;
    return [least - gap * 0.08, most + gap * 0.14];
  };
}

function options(element, series) {
  const axis = { stroke: token("--fg-2"), font: `12px ${token("--font-num")}`, grid: { stroke: token("--line"), width: 1 }, ticks: { show: false } };
  const accent = token("--accent");
  const band = series.lo && series.hi;
  const lines = [{}, { stroke: accent, width: 1.75, spanGaps: false, points: { show: series.t.length < 3, size: 5 } }];
  if (band) lines.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
  return {
    width: Math.max(120, element.clientWidth), height: series.height ?? 200, padding: [8, 8, 0, 0], legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, fill: accent } },
    scales: { y: { range: valueRange(series) } },
    axes: [{ ...axis, grid: { show: false }, space: 64, values: axisTimes }, { ...axis, size: 52, space: 30, values: (plot, values) => values.map((value) => formatNumber(value, series.digits)) }],
    series: lines,
    bands: band ? [{ series: [3, 2], fill: `color-mix(in srgb, ${accent} 22%, transparent)` }] : [],
    plugins: [limitPlugin(series.limits ?? [], series.digits), tipPlugin(series)],
  };
}

function finding(series, known) {
  const last = known.at(-1), unit = series.unit ?? "";
  return `${series.label ?? ""} ${formatNumber(last, series.digits)} ${unit}; ${t("lowest")} ${formatNumber(Math.min(...known), series.digits)}, ${t("highest")} ${formatNumber(Math.max(...known), series.digits)} ${unit}`.trim();
}

function digitsFor(values) {
  const most = Math.max(...values.map(Math.abs));
  return most < 1 ? 3 : most < 10 ? 2 : most < 1000 ? 1 : 0;
}

/** Draw a series into an element, replacing what is there; says so when there is no data. */
export function drawSeries(element, given) {
  const known = (given.v ?? []).filter((value) => value !== null && value !== undefined);
  if (!known.length) { note(element, t("no_data")); return null; }
  forget(element);
  const series = { ...given, digits: given.digits ?? digitsFor(known) };
  element.replaceChildren();
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", finding(series, known));
  const data = [series.t, series.v, ...(series.lo && series.hi ? [series.lo, series.hi] : [])];
  const plot = new uPlot(options(element, series), data, element);
  const watch = new ResizeObserver(() => { if (element.clientWidth) plot.setSize({ width: element.clientWidth, height: series.height ?? 200 }); });
  watch.observe(element);
  drawn.set(element, { plot, watch, given });
  return plot;
}

/** Fetch a series and draw it; on failure say so in the same place. */
export async function loadSeries(element, url) {
  try { return drawSeries(element, await getJson(url)); } catch { note(element, t("chart_failed")); return null; }
}

/** A small line without axes; gaps stay gaps. */
export function sparkline(element, values) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) { element.replaceChildren(); return; }
  const low = Math.min(...known), gap = Math.max(...known) - low || 1;
  let pen = "M";
  const path = values.map((value, index) => {
    if (value === null) { pen = "M"; return ""; }
    const point = `${pen}${((index / (values.length - 1)) * 100).toFixed(1)} ${(28 - ((value - low) / gap) * 24).toFixed(1)}`;
    pen = "L";
    return point;
  }).join("");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 32");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  element.replaceChildren(svg);
}

/** Draw every element that names its series in data-series-url; data-spark holds numbers for a sparkline. */
export function drawAll(root = document) {
  for (const element of root.querySelectorAll("[data-series-url]")) loadSeries(element, element.dataset.seriesUrl);
  for (const element of root.querySelectorAll("[data-spark]")) sparkline(element, JSON.parse(element.dataset.spark));
}

addEventListener("themechange", () => {
  for (const [element, { given }] of [...drawn]) {
    if (element.isConnected) drawSeries(element, given);
    else forget(element);
  }
});
