/**
 * Past time on the map: one answer of `/map/times` for a window, and every moment of it drawn at once.
 *
 * Pressures, alarms, cases and valves of the moment are painted on a canvas of their own over the map, so that
 * moving through time asks neither the server nor the map's renderer for anything. The layers of the tree that
 * show the present (points, alarms, valves) are off meanwhile; their ticks still say what is painted.
 */

import { $, announce, formatNumber, getJson, locale, setIcon, t, toast, token } from "../dom.mjs";
import { paintAlarm, paintCase, paintPoint, paintValve } from "./timesigns.mjs";

const HIDDEN = ["sensor", "alarm", "valve"];
const FRAME_MS = 250, RELOAD_MS = 500, MARGIN = 0.25, REACH_PX = 14, NONE = 65535, VALUE_ZOOM = 13.5;
const WORDS = ["unknown", "within", "low", "lowlow", "high", "highhigh"];

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The answer with its arrays unpacked. */
function unpack(answer) {
  const codes = bytes(answer.points.codes), count = answer.seconds / answer.value;
  return { ...answer, count, codes: new Uint16Array(codes.buffer), states: bytes(answer.points.states) };
}

/** What stands at a moment, in seconds from the begin of the window. */
export function momentOf(data, second) {
  const stands = (from, until) => from <= second && (second < until || until === data.seconds);
  const place = Math.min(data.count - 1, Math.floor(second / data.value));
  const points = data.points.rows.map(([id, name, unit, lon, lat, base, scale], index) => {
    const code = data.codes[index * data.count + place];
    return { layer: "sensor", id, name, unit, lon, lat, state: data.states[index * data.count + place], value: code === NONE ? null : base + code * scale };
  });
  const alarms = (data.alarms?.rows ?? []).filter((row) => stands(row[6], row[7])).map(([id, first, , name, lon, lat, , , rises]) => (
    { layer: "alarm", id, name, lon, lat, level: rises.reduce((level, [at, risen]) => (at <= second ? risen : level), first) }));
  const cases = (data.cases?.rows ?? []).filter((row) => stands(row[5], row[6])).map(([id, level, name, lon, lat]) => ({ layer: "case", id, level, name, lon, lat }));
  const valves = data.valves.rows.filter((row) => stands(row[5], row[6])).map(([id, name, state, lon, lat]) => ({ layer: "valve", id, name, state, lon, lat }));
  return { points, alarms, cases, valves };
}

class Times {
  constructor(one, onChange) {
    Object.assign(this, { one, onChange, data: null, index: 0, on: false, player: null, asked: 0, drawn: [], wanted: null });
    this.button = $("#map-times");
    this.panel = $("#map-times-panel");
    this.face = $("#map-times-face");
    this.range = $("#map-times-range");
    this.choice = $("#map-times-window");
    this.speed = $("#map-times-speed");
    this.play = $("#map-times-play");
    this.bars = $("#map-times-bars");
    this.listen();
  }

  listen() {
    const { map } = this.one;
    this.button.addEventListener("click", () => (this.on ? this.stop() : this.start()));
    $("[data-close-times]", this.panel).addEventListener("click", () => { this.stop(); this.button.focus(); });
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.stop(); this.button.focus(); }
      if (event.key === " " && event.target === this.range) { event.preventDefault(); this.toggle(); }
    });
    this.range.addEventListener("input", () => this.show(Number(this.range.value)));
    this.range.addEventListener("change", () => this.onChange());
    this.choice.addEventListener("change", () => { this.index = Infinity; this.load(); this.onChange(); });
    this.play.addEventListener("click", () => this.toggle());
    this.speed.addEventListener("change", () => { if (this.player) { this.pause(); this.toggle(); } });
    let waiting = null;
    map.on("move", () => { if (this.on) this.place(); });
    map.on("moveend", () => { clearTimeout(waiting); if (this.on && !this.covers()) waiting = setTimeout(() => this.load(), RELOAD_MS); });
    map.on("resize", () => { if (this.on) { this.place(); this.drawBars(); } });
    addEventListener("themechange", () => { if (this.on) { this.paint(); this.drawBars(); } });
  }

  start(state = null) {
    this.on = true;
    if (state) { this.choice.value = state.window; this.wanted = state.at; }
    this.panel.hidden = this.face.hidden = false;
    this.button.setAttribute("aria-pressed", "true");
    document.documentElement.classList.add("times-on");
    this.one.veil(HIDDEN, true);
    this.load().then(() => { if (!state && this.on) this.range.focus({ preventScroll: true }); });
    this.onChange();
  }

  stop() {
    if (!this.on) return;
    this.pause();
    this.on = false;
    this.asked += 1;
    this.data = null;
    this.panel.hidden = this.face.hidden = true;
    this.button.setAttribute("aria-pressed", "false");
    document.documentElement.classList.remove("times-on");
    delete document.documentElement.dataset.timesReady;
    this.one.veil(HIDDEN, false);
    this.one.hint.remove();
    this.onChange();
  }

  state() {
    return this.on ? { window: this.choice.value, at: this.data ? this.data.begin + this.second() : this.wanted } : null;
  }

  async load() {
    const turn = (this.asked += 1), bounds = this.one.map.getBounds();
    const wide = (bounds.getEast() - bounds.getWest()) * MARGIN, high = (bounds.getNorth() - bounds.getSouth()) * MARGIN;
    const box = [Math.max(-180, bounds.getWest() - wide), Math.max(-85, bounds.getSouth() - high), Math.min(180, bounds.getEast() + wide), Math.min(85, bounds.getNorth() + high)];
    this.panel.setAttribute("aria-busy", "true");
    try {
      const answer = await getJson(`/map/times?window=${this.choice.value}&box=${box.map((each) => each.toFixed(5)).join(",")}`);
      if (turn !== this.asked) return;
      const before = this.wanted ?? (this.data && this.index !== Infinity && this.index < Number(this.range.max) ? this.data.begin + this.second() : null);
      this.wanted = null;
      this.data = unpack(answer);
      this.box = box;
      const last = Math.ceil((answer.now - answer.begin) / answer.step);
      this.range.max = String(last);
      this.tell();
      this.drawBars();
      this.show(before === null ? last : Math.max(0, Math.min(last, Math.round((before - answer.begin) / answer.step))));
      document.documentElement.dataset.timesReady = "1";
      this.onChange();
    } catch {
      if (turn === this.asked) toast(t("times_failed"), { kind: "error" });
    } finally {
      if (turn === this.asked) this.panel.removeAttribute("aria-busy");
    }
  }

  covers() {
    const bounds = this.one.map.getBounds(), [west, south, east, north] = this.box ?? [0, 0, 0, 0];
    return bounds.getWest() >= west && bounds.getSouth() >= south && bounds.getEast() <= east && bounds.getNorth() <= north;
  }

  second() {
    return Math.min(this.index * this.data.step, this.data.now - this.data.begin);
  }

  /** Show one step of the window. */
  show(index) {
    if (!this.data) return;
    this.index = index;
    this.range.value = String(index);
    this.moment = momentOf(this.data, this.second());
    const words = new Intl.DateTimeFormat(locale(), { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false })
      .format((this.data.begin + this.second()) * 1000);
    const number = (states) => this.moment.points.filter((point) => states.includes(point.state)).length;
    const facts = { alarms: this.data.alarms ? this.moment.alarms.length : "–", cases: this.data.cases ? this.moment.cases.length : "–", valves: this.moment.valves.length, low: number([2, 3]), high: number([4, 5]), within: number([1]), unknown: number([0]) };
    const live = index >= Number(this.range.max);
    $("#map-times-at").textContent = live ? `${words} · ${t("times_now")}` : words;
    $("#map-times-sums").textContent = t("times_sums", facts);
    this.range.setAttribute("aria-valuetext", `${words}. ${t("times_sums", facts)}`);
    this.place();
  }

  /** Put everything of the moment at its place on screen. */
  place() {
    if (!this.moment) return;
    const { map, shown } = this.one, { width, height } = map.getCanvas().getBoundingClientRect();
    const rows = [
      ...(shown.has("sensor") ? this.moment.points : []), ...(shown.has("valve") ? this.moment.valves : []),
      ...this.moment.cases, ...(shown.has("alarm") ? [...this.moment.alarms].sort((a, b) => b.level - a.level) : []),
    ].filter((each) => each.lon !== null);
    this.drawn = rows.map((each) => { const at = map.project([each.lon, each.lat]); return { ...each, x: at.x, y: at.y }; })
      .filter((each) => each.x > -20 && each.y > -20 && each.x < width + 20 && each.y < height + 20);
    this.paint();
  }

  paint() {
    const began = performance.now(), { width, height } = this.one.map.getCanvas().getBoundingClientRect(), ratio = this.one.lite ? 1 : devicePixelRatio;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.face.width !== across || this.face.height !== down) { this.face.width = across; this.face.height = down; }
    const pen = this.face.getContext("2d"), near = this.one.map.getZoom() >= VALUE_ZOOM;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const ink = Object.fromEntries(["--r1", "--r2", "--r3", "--r4", "--ok", "--fg-0", "--fg-2", "--bg-1", "--accent", "--m-halo"].map((name) => [name, token(name)]));
    const signs = { sensor: paintPoint, valve: paintValve, case: paintCase, alarm: paintAlarm };
    for (const each of this.drawn) signs[each.layer](pen, each, ink, near ? this.valueWords(each) : "");
    document.documentElement.dataset.timesFrame = (performance.now() - began).toFixed(1);
  }

  valueWords(each) {
    return each.layer === "sensor" && each.value !== null ? `${formatNumber(each.value, Math.abs(each.value) < 10 ? 3 : 1)} ${each.unit}` : "";
  }

  /** Alarms that began in each step, in the colour of the gravest. */
  drawBars() {
    const { bins } = this.data ?? {};
    this.bars.hidden = !bins;
    if (!bins) return;
    const { width, height } = this.bars.getBoundingClientRect(), ratio = devicePixelRatio, pen = this.bars.getContext("2d");
    this.bars.width = Math.round(width * ratio);
    this.bars.height = Math.round(height * ratio);
    pen.scale(ratio, ratio);
    const sums = bins.map((bin) => bin.reduce((sum, n) => sum + n, 0)), most = Math.max(1, ...sums), shown = Number(this.range.max) || bins.length;
    bins.forEach((bin, index) => {
      const size = sums[index] ? Math.max(3, (sums[index] / most) * height) : 1, gravest = bin.findIndex((n) => n) + 1;
      pen.fillStyle = gravest ? token(`--r${gravest}`) : token("--line-2");
      pen.fillRect((index / shown) * width, height - size, Math.max(1, width / shown - 1), size);
    });
  }

  /** Say what the answer had to leave out. */
  tell() {
    const { points, alarms, cases, valves } = this.data;
    const cut = points.whole > points.rows.length || (alarms && alarms.whole > alarms.rows.length) || (cases && cases.whole > cases.rows.length) || valves.more;
    const note = $("#map-times-note");
    note.hidden = !cut;
    note.textContent = cut ? t("times_cut", { shown: formatNumber(points.rows.length), all: formatNumber(points.whole) }) : "";
  }

  toggle() {
    if (this.player) { this.pause(); return; }
    if (!this.data) return;
    if (this.index >= Number(this.range.max)) this.show(0);
    setIcon(this.play, "pause");
    this.play.setAttribute("aria-label", t("times_pause"));
    this.player = setInterval(() => {
      if (this.index >= Number(this.range.max)) { this.pause(); return; }
      this.show(this.index + 1);
    }, FRAME_MS / Number(this.speed.value));
  }

  pause() {
    if (!this.player) return;
    clearInterval(this.player);
    this.player = null;
    setIcon(this.play, "play");
    this.play.setAttribute("aria-label", t("times_play"));
    announce(this.range.getAttribute("aria-valuetext") ?? "");
    this.onChange();
  }

  /** The topmost thing painted near a place on screen. */
  near(point) {
    const far = (each) => Math.hypot(each.x - point.x, each.y - (each.layer === "alarm" ? 14 : 0) - point.y);
    return [...this.drawn].reverse().filter((each) => far(each) < REACH_PX)[0] ?? null;
  }

  /** A click of the map while time is shown; true when it hit something painted. */
  click(event) {
    const found = this.on ? this.near(event.point) : null;
    if (!found) return false;
    if (found.layer === "case") toast(found.name, { action: { text: t("times_open_case"), url: `/events/cases/${found.id}` } });
    else this.one.select(found.layer, found.id, { place: [found.lon, found.lat], move: false });
    return true;
  }

  /** The words at a place while time is shown, or null. */
  hover(point) {
    const found = this.on ? this.near(point) : null;
    if (!found) return null;
    const said = found.layer === "sensor" ? `${this.valueWords(found) || "–"} · ${t(`times_${WORDS[found.state]}`)}` : "";
    return { at: [found.lon, found.lat], text: [found.name, said].filter(Boolean).join(" ") };
  }
}

/** Attach to the page's time panel; gives start, stop, state, click, hover, veiled and redraw. */
export function startTimes(one, { onChange }) {
  const times = new Times(one, onChange);
  return {
    start: (state) => { if (!times.on) times.start(state); },
    stop: () => times.stop(),
    state: () => times.state(),
    click: (event) => times.click(event),
    hover: (point) => times.hover(point),
    veiled: () => (times.on ? HIDDEN : []),
    redraw: () => { if (times.on) times.place(); },
    active: () => times.on,
  };
}
