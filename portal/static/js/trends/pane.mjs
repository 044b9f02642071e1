/** One pane: curves over one axis of time, an axis a unit, zoom by dragging, a cursor moved by pointer or keys. */

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { el, formatNumber, locale, t, token } from "../dom.mjs";
import { aligned } from "./curves.mjs";
import { drawAlarms, drawBackFilled, drawEnds, drawLimits } from "./marks.mjs";

const ZONE = "Asia/Shanghai", DAY = 86_400;
const format = (options) => new Intl.DateTimeFormat(locale(), { timeZone: ZONE, hour12: false, ...options });
const clock = format({ hour: "2-digit", minute: "2-digit" }), seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = format({ month: "2-digit", day: "2-digit" }), month = format({ year: "numeric", month: "2-digit" });
export const fullTime = format({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Decimals that tell values apart that lie so far from one another. */
export function digitsFor(low, high) {
  const gap = Math.abs(high - low) || Math.abs(high) || 1;
  return Math.max(0, Math.min(4, Math.ceil(2 - Math.log10(gap))));
}

function timeWords(plot, instants) {
  const wide = plot.scales.x.max - plot.scales.x.min;
  let before = "";
  return instants.map((instant) => {
    const at = instant * 1000;
    if (wide > 200 * DAY) {
      const words = month.format(at), again = words === before;
      before = words;
      return again ? "" : words;
    }
    const date = day.format(at), time = (wide < 900 ? seconds : clock).format(at);
    const words = date === before || (before === "" && wide < DAY / 2) ? time : wide > 5 * DAY ? date : `${date}\n${time}`;
    before = date;
    return words;
  });
}

/** Steps of the axis that fall on whole hours and days of the city. */
function splits(plot, axis, low, high, step) {
  const shift = 8 * 3600, first = Math.ceil((low + shift) / step) * step - shift, found = [];
  for (let at = first; at <= high; at += step) found.push(at);
  return found;
}

function rangeOf(curves, limits) {
  let low = Infinity, high = -Infinity;
  for (const curve of curves) {
    for (const column of [curve.lo ?? curve.v, curve.hi ?? curve.v, curve.q.length ? curve.v : []]) {
      for (const value of column) if (value !== null && value !== undefined) { if (value < low) low = value; if (value > high) high = value; }
    }
  }
  if (!Number.isFinite(low)) return [0, 1];
  const gap = high - low || Math.abs(high) * 0.1 || 1;
  // A limit far away would press the curve flat; it is named at the edge instead.
  for (const { v } of limits) if (v > low - 3 * gap && v < high + 3 * gap) { low = Math.min(low, v); high = Math.max(high, v); }
  const wide = high - low || gap;
  return [low - wide * 0.08, high + wide * 0.12];
}

export class Pane {
  /** `ask` holds what happens on a zoom, a moved cursor and a chosen pane. */
  constructor(number, ask) {
    this.number = number;
    this.ask = ask;
    this.plot = null;
    this.head = el("div", { class: "pane-head" });
    this.body = el("div", { class: "pane-plot", tabindex: "0", role: "group", "aria-roledescription": t("pane_role") });
    this.element = el("section", { class: "pane", "aria-label": t("pane_n", { n: number }) }, this.head, this.body);
    this.element.addEventListener("pointerdown", () => ask.chosen(this));
    this.body.addEventListener("focus", () => ask.chosen(this));
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(this.body);
  }

  /** Draw; `pieces` are { curve, colour, unit, number, role }, `more` the span, limits, alarms and the chosen curve. */
  draw(pieces, more) {
    this.pieces = pieces;
    this.more = more;
    this.plot?.destroy();
    this.plot = null;
    this.body.replaceChildren();
    const known = pieces.filter((piece) => piece.curve.v.some((value) => value !== null));
    if (!known.length) { this.body.append(el("p", { class: "chart-note", text: t("no_data") })); return; }
    const made = aligned(known.map((piece) => piece.curve));
    this.plot = new uPlot(this.options(known, made.columns), made.data, this.body);
    this.body.setAttribute("aria-label", this.finding(known));
  }

  finding(known) {
    const said = known.filter((piece) => piece.curve.sum).map(({ label, curve: { sum }, unit }) =>
      `${label}: ${t("lowest")} ${formatNumber(sum.min, 4)}, ${t("highest")} ${formatNumber(sum.max, 4)} ${unit}`);
    return `${t("pane_n", { n: this.number })}. ${said.join("; ")}. ${t("pane_keys")}`;
  }

  options(known, columns) {
    const piecesBy = new Map(known.map((piece) => [piece.curve, piece]));
    const units = [...new Set([...known].sort((one, other) => (one.role === "weather") - (other.role === "weather")).map((piece) => piece.unit))], chosen = this.more.limits;
    const scales = { x: { time: false, range: () => [this.more.from, this.more.to] } }, ranges = new Map();
    for (const unit of units) {
      const own = known.filter((piece) => piece.unit === unit).map((piece) => piece.curve);
      ranges.set(unit, rangeOf(own, chosen.filter((limit) => limit.unit === unit)));
      scales[unit] = { range: () => ranges.get(unit) };
    }
    const { series, bands } = this.lines(columns, piecesBy);
    return {
      width: Math.max(160, this.body.clientWidth), height: Math.max(120, this.body.clientHeight), padding: [6, 10, 0, 4], legend: { show: false },
      cursor: { sync: { key: "trends", setSeries: false }, drag: { x: true, y: false, setScale: false, dist: 6 }, points: { size: 7 }, y: false },
      scales, series, bands, axes: this.axes(units, ranges),
      hooks: {
        draw: [(plot) => this.over(plot, known, ranges)],
        setSelect: [(plot) => {
          if (plot.select.width < 6) return;
          const from = plot.posToVal(plot.select.left, "x"), to = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          this.ask.zoom(from, to);
        }],
        setCursor: [(plot) => this.ask.cursor(plot.cursor.left < 0 ? null : plot.posToVal(plot.cursor.left, "x"))],
      },
    };
  }

  lines(columns, piecesBy) {
    const series = [{}], bands = [];
    for (const own of columns) {
      const { colour, unit, role } = piecesBy.get(own.curve), faint = role !== "own";
      const line = { scale: unit, stroke: colour, width: faint ? 1 : 1.6, alpha: faint ? 0.7 : 1, spanGaps: false, points: { show: own.curve.v.length < 3, size: 5 } };
      series.push(line);
      if (own.doubtful) series.push({ ...line, dash: [4, 4], width: 1.6 });
      if (own.low) {
        const hidden = { scale: unit, stroke: "transparent", points: { show: false } };
        series.push(hidden, hidden);
        if (!faint) bands.push({ series: [own.high, own.low], fill: `color-mix(in srgb, ${colour} 26%, transparent)` });
      }
    }
    return { series, bands };
  }

  axes(units, ranges) {
    const axis = { stroke: token("--fg-2"), font: `12px ${token("--font-num")}`, ticks: { show: false } };
    const wide = this.more.to - this.more.from;
    const steps = [1, 5, 15, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30.4375 * DAY, 91.3125 * DAY, 182.625 * DAY, 365.25 * DAY];
    const all = [{ ...axis, grid: { stroke: token("--line"), width: 1 }, space: wide > 5 * DAY ? 72 : 88, incrs: steps, splits: (plot, at, low, high, step) => splits(plot, at, low, high, step), values: timeWords, size: 36 }];
    units.forEach((unit, place) => {
      const [low, high] = ranges.get(unit), digits = digitsFor(low, high);
      all.push({
        ...axis, scale: unit, side: place ? 1 : 3, size: 54, space: 30, label: unit, labelSize: 16, labelGap: 0, labelFont: `11px ${token("--font-ui")}`,
        grid: { show: !place, stroke: token("--line"), width: 1 }, values: (plot, values) => values.map((value) => formatNumber(value, digits)),
      });
    });
    return all;
  }

  over(plot, known, ranges) {
    const { limits, alarms, live } = this.more;
    if (limits.length) {
      const unit = limits[0].unit;
      if (ranges.has(unit)) drawLimits(plot, limits, unit, digitsFor(...ranges.get(unit)));
    }
    drawBackFilled(plot, known.filter((piece) => piece.role === "own" && piece.curve.b.length));
    drawAlarms(plot, alarms);
    drawEnds(plot, known.filter((piece) => piece.role === "own").map((piece) => ({ ...piece, scale: piece.unit })));
    if (live) this.now(plot);
  }

  now(plot) {
    const { ctx, bbox } = plot, x = plot.valToPos(this.more.to, "x", true);
    ctx.save(); ctx.strokeStyle = token("--ok"); ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke(); ctx.restore();
  }

  fit() {
    if (this.plot && this.body.clientWidth && this.body.clientHeight) this.plot.setSize({ width: this.body.clientWidth, height: this.body.clientHeight });
  }

  /** Move the cursor by buckets; the instant it then stands at. */
  step(by) {
    const { plot } = this, axis = plot.data[0];
    let place = plot.cursor.idx;
    if (place === null || place === undefined) place = by < 0 ? axis.length : -1;
    place = Math.max(0, Math.min(axis.length - 1, place + by));
    plot.setCursor({ left: plot.valToPos(axis[place], "x"), top: plot.over.clientHeight / 2 });
    this.ask.spoken(axis[place]);
  }

  key(event) {
    if (!this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const big = Math.max(1, Math.round(this.plot.data[0].length / 20)), by = event.shiftKey ? big : 1;
    const move = { ArrowLeft: () => this.step(-by), ArrowRight: () => this.step(by), Home: () => this.step(-1e9), End: () => this.step(1e9) }[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }

  destroy() {
    this.plot?.destroy();
    this.watch.disconnect();
    this.element.remove();
  }
}
