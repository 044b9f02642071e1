/**
 * One map: the city's network on MapLibre, with layer panel, tools, drawer and live alarms.
 *
 *   import { startMap } from "/static/js/map/onemap.mjs";
 *   startMap({
 *     container: "map",             // id of the map's element
 *     center: [112.51, 32.03], zoom: 11,
 *     bounds: [west, south, east, north],   // the whole city; optional, else centre and zoom
 *     tilesVersion: "…",            // part of each tile's address
 *     layers: [{ name, label, group, count, visible, minzoom, list }],   // rows of the tree, in order;
 *                                   // list = address of the same things as a table (optional)
 *     themes: [{ key, label, property, rows: [{ label, token, codes, until }] }],   // ways to colour the
 *                                   // pipes; a row takes codes of the tiles' property, or years up to `until`
 *     note: "",                     // words for the corner, such as an approval number of a base map
 *   });
 *
 * The page includes `shell/map_ui.html` (panels, tools and words) after the map's element, sets
 * body_class "full map-page" and loads css/map.css and vendor/maplibre/maplibre-gl.css in its head.
 * From the server: `/map/counts` → {"layers": {name: n}, "km": {theme key: [km of each of its rows]}};
 * `/map/object/{layer}/{id}` (drawer.mjs) and `/map/alarms` (alarms.mjs), both HTML partials.
 * After the first complete picture `document.documentElement.dataset.mapReady` is "1".
 */

import * as maplibregl from "../../vendor/maplibre/maplibre-gl.mjs";
import { $, el, getJson, t, theme } from "../dom.mjs";
import { on } from "../live.mjs";
import { startAlarms } from "./alarms.mjs";
import { startCompare } from "./compare.mjs";
import { startAsOf } from "./asof.mjs";
import { startDrawer } from "./drawer.mjs";
import { addIcons } from "./icons.mjs";
import { startHydraulics } from "./hydraulics.mjs";
import { startNetwork } from "./isolation.mjs";
import { startNear } from "./near.mjs";
import { startMarks } from "./marks.mjs";
import { startMeasure } from "./measure.mjs";
import { startPanel, treeRows } from "./panel.mjs";
import { graphics, notice, refuse } from "./power.mjs";
import { startSelect } from "./select.mjs";
import { readState, stateText, writeState } from "./state.mjs";
import { buildStyle, CLICKABLE, DATED, LOCAL_FONT, PARTS, pipeColour, selectionLayer, tileAddress } from "./style.mjs";
import { startTimes } from "./times.mjs";

const REACH_PX = 5, NEWS_MS = 700;

class OneMap {
  constructor(options, lite) {
    this.options = options;
    this.lite = lite;
    this.rows = treeRows(options.layers, lite);
    const state = readState();
    this.themes = new Map(options.themes.map((theme) => [theme.key, theme]));
    this.colouring = this.themes.has(state.colouring) ? state.colouring : options.themes[0].key;
    this.usual = new Set(this.rows.filter((row) => row.visible !== false).map((row) => row.name));
    this.shown = state.layers ? new Set(this.rows.map((row) => row.name).filter((name) => state.layers.has(name))) : new Set(this.usual);
    this.selected = null;
    this.sources = [...new Set([...options.layers.map((layer) => layer.name), ...(options.layers.some((layer) => layer.name === "district") ? ["district_label"] : [])])];
    this.fresh = 0;
    this.day = this.options.day || "";
    this.raster = $("#map-raster");
    if (this.raster && state.raster) this.raster.value = state.raster;
    this.map = this.makeMap(state);
    this.startParts();
    this.hear();
    if (state.compare) this.compare.start(state.compare);
    else if (state.times) this.times.start(state.times);
    if (state.area) this.map.once("idle", () => this.area.show(state.area, { fit: !state.center }));
    else if (state.selected) this.select(state.selected.layer, state.selected.id, { find: !state.center });
    else if (!state.center && !state.zoom && options.bounds) this.wholeCity(0);
  }

  style({ colouring = this.colouring, at = this.day } = {}) {
    const veiled = this.times?.veiled() ?? [];
    const hidden = new Set(this.rows.map((row) => row.name).filter((name) => !this.shown.has(name) || veiled.includes(name)));
    return buildStyle({ version: this.options.tilesVersion, colouring: this.themes.get(colouring), hidden, lite: this.lite, sources: this.sources, at, raster: this.raster?.value ?? "" });
  }

  glMap(container, more) {
    return new maplibregl.Map({
      container, minZoom: 7, maxZoom: 19, attributionControl: false, localIdeographFontFamily: LOCAL_FONT, fadeDuration: this.lite ? 0 : 200,
      pixelRatio: this.lite ? 1 : undefined, canvasContextAttributes: { antialias: !this.lite },
      locale: { "Map.Title": t("map_title") }, dragRotate: !this.lite, pitchWithRotate: false, ...more,
    });
  }

  makeMap(state) {
    const map = this.glMap(this.options.container, { style: this.style(), center: state.center ?? this.options.center, zoom: state.zoom ?? this.options.zoom ?? 11 });
    map.addControl(new maplibregl.ScaleControl({ maxWidth: 110 }), "bottom-left");
    return map;
  }

  startParts() {
    const { map } = this;
    this.panel = startPanel({ layers: this.rows, themes: this.options.themes, shown: this.shown, colouring: this.colouring, change: (...news) => this.change(...news) });
    this.drawer = startDrawer({ at: this.options.day, onClose: () => this.deselect(), onShow: () => this.pad() });
    this.network = startNetwork(map, { drawer: this.drawer, lite: this.lite });
    startHydraulics(map, { drawer: this.drawer, lite: this.lite });
    this.measure = startMeasure(map, { onToggle: (active) => { if (active) { this.area.stop(); this.drawer.close(); } } });
    this.area = startSelect(map, { drawer: this.drawer, colouring: () => this.colouring, onToggle: () => { this.measure.stop(); this.drawer.close(); }, onChange: () => this.remember() });
    this.marks = startMarks({ state: () => stateText(this.state()) });
    this.compare = startCompare(this, { makeMap: (...how) => this.glMap(...how), onChange: () => this.remember(), onStart: () => this.times.stop() });
    this.times = startTimes(this, { onChange: () => this.remember() });
    $("#map-times").addEventListener("click", () => { if (this.times.active()) this.compare.stop(); });
    this.alarms = startAlarms(map, { Marker: maplibregl.Marker, open: (id, place) => this.select("alarm", id, { place }) });
    startNear(this, { Marker: maplibregl.Marker });
    this.hint = new maplibregl.Popup({ closeButton: false, closeOnClick: false, offset: 14, className: "map-hint", focusAfterOpen: false });
    $("#map-zoom-in").addEventListener("click", () => map.zoomIn());
    $("#map-zoom-out").addEventListener("click", () => map.zoomOut());
    $("#map-city").addEventListener("click", () => this.wholeCity());
    $("#map-locate").addEventListener("click", () => this.locate());
    $("#map-print-form").addEventListener("submit", (event) => this.fillPrint(event.target));
    this.raster?.addEventListener("change", () => { map.setStyle(this.style(), { diff: false }); this.remember(); });
    $("#map-locate").disabled = true;
    startAsOf();
    if (this.options.note) $("#map-note").textContent = this.options.note;
    this.pad();
  }

  hear() {
    const { map } = this;
    map.on("style.load", () => { addIcons(map); this.drawSelection(); this.measure.restore(); this.area.restore(); });
    map.once("idle", () => { document.documentElement.dataset.mapReady = "1"; });
    map.on("moveend", () => { this.remember(); this.panel.setZoom(map.getZoom()); });
    map.on("click", (event) => this.click(event));
    map.on("mousemove", (event) => this.hover(event));
    map.on("mouseout", () => this.hint.remove());
    map.on("error", ({ error }) => this.fail(error));
    addEventListener("themechange", () => { map.setStyle(this.style(), { diff: false }); this.panel.repaint(); });
    addEventListener("hashchange", () => {
      this.recall(readState());
    });
    let waiting = null;
    on("alarm", () => { waiting ??= setTimeout(() => { waiting = null; this.refresh(); }, NEWS_MS); });
    this.panel.setZoom(map.getZoom());
    if (!this.options.day) this.alarms.load();
    this.count();
  }

  /** Take up a state that a link or a bookmark put into the address. */
  recall(state) {
    const { map } = this;
    if (state.center) map.jumpTo({ center: state.center, zoom: state.zoom ?? map.getZoom() });
    if (state.colouring && this.themes.has(state.colouring) && state.colouring !== this.colouring) this.panel.choose(state.colouring);
    if (state.compare) this.compare.start(state.compare);
    else if (state.times) this.times.start(state.times);
    if (state.area && state.area !== this.area.area()) this.area.show(state.area, { fit: !state.center });
    else if (state.selected && state.selected.id !== this.selected?.id) this.select(state.selected.layer, state.selected.id);
  }

  count() {
    const countsAt = this.options.day ? `?at=${encodeURIComponent(this.options.day)}` : "";
    getJson(`/map/counts${countsAt}`).then((counts) => this.panel.setCounts(counts)).catch(() => notice("counts_failed"));
  }

  /** Ask again for what an alarm changes. */
  refresh() {
    if (this.options.day) return; // a past day does not change
    this.fresh = Date.now();
    for (const name of ["alarm", "sensor"]) this.map.getSource(name)?.setTiles([tileAddress(name, this.options.tilesVersion, this.fresh)]);
    this.alarms.load();
    this.count();
  }

  change(kind, name, shown) {
    const { map } = this;
    if (kind === "panel") this.pad();
    if (kind === "colouring") {
      this.colouring = name;
      if (map.getLayer("pipe")) map.setPaintProperty("pipe", "line-color", pipeColour(this.themes.get(name)));
      this.compare.coloured(name);
    }
    if (kind === "layer") {
      this.shown[shown ? "add" : "delete"](name);
      this.draw(name, shown && !this.times.veiled().includes(name));
      this.times.redraw();
      this.compare.switched(PARTS[name], shown);
    }
    this.remember();
  }

  draw(name, shown) {
    for (const id of PARTS[name]) if (this.map.getLayer(id)) this.map.setLayoutProperty(id, "visibility", shown ? "visible" : "none");
  }

  /** Leave out layers that show the present while another time is shown. */
  veil(names, veiled) {
    for (const name of names) if (this.shown.has(name)) this.draw(name, !veiled);
  }

  /** Show the network as it was known on a day, "" for now. */
  setDay(day) {
    day ||= this.options.day || "";
    if (day === this.day) return;
    this.day = day;
    for (const name of DATED) this.map.getSource(name)?.setTiles([tileAddress(name, this.options.tilesVersion, 0, day)]);
  }

  state() {
    const usual = this.shown.size === this.usual.size && [...this.shown].every((name) => this.usual.has(name));
    return {
      center: this.map.getCenter(), zoom: this.map.getZoom(), colouring: this.colouring, usual: this.options.themes[0].key,
      layers: usual ? null : this.shown, selected: this.selected, area: this.area.area(),
      compare: this.compare?.state() ?? null, times: this.times?.state() ?? null, raster: this.raster?.value ?? "",
    };
  }

  remember() {
    writeState(this.state());
  }

  /** Keep the free part of the map between panel and drawer as its middle. */
  pad() {
    const phone = matchMedia("(max-width: 760px)").matches, style = getComputedStyle(document.documentElement);
    const width = (name) => parseFloat(style.getPropertyValue(name)) || 0;
    this.map.setPadding(phone
      ? { left: 0, right: 0, top: 0, bottom: this.drawer?.isOpen() ? innerHeight * 0.5 : 0 }
      : { left: this.panel.isOpen() ? width("--panel") + 24 : 0, right: this.drawer?.isOpen() ? width("--drawer") : 0, top: 0, bottom: 0 });
    this.compare?.pad();
  }

  at(point) {
    const ids = CLICKABLE.flatMap((name) => PARTS[name]).filter((id) => this.map.getLayer(id));
    const box = [[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]];
    const found = this.map.queryRenderedFeatures(box, { layers: ids }).filter((feature) => feature.properties.n === undefined || feature.source !== "user");
    const rank = (feature) => CLICKABLE.indexOf(feature.source);
    return found.sort((a, b) => rank(a) - rank(b))[0] ?? null;
  }

  click(event) {
    if (this.measure.active() || this.area.active() || event.defaultPrevented) return;
    if (this.times.click(event)) return;
    const feature = this.at(event.point);
    if (!feature) { this.drawer.close(); return; }
    const id = feature.id ?? feature.properties.id;
    this.select(feature.source, id, { place: feature.geometry.type === "Point" ? feature.geometry.coordinates : [event.lngLat.lng, event.lngLat.lat], move: false });
  }

  hover(event) {
    if (this.measure.active() || this.area.active() || this.map.isMoving()) return;
    const past = this.times.hover(event.point);
    if (past) { this.map.getCanvas().style.cursor = "pointer"; this.hint.setLngLat(past.at).setText(past.text).addTo(this.map); return; }
    const feature = this.at(event.point);
    this.map.getCanvas().style.cursor = feature ? "pointer" : "";
    const name = feature && ["alarm", "station"].includes(feature.source) ? feature.properties.n : null;
    if (!name) { this.hint.remove(); return; }
    this.hint.setLngLat(feature.geometry.coordinates).setText(name).addTo(this.map);
  }

  /** Select one object: mark it, open its drawer, and bring it into the middle when it came from outside the map. */
  async select(source, id, { place = null, move = true, find = true } = {}) {
    this.area.clear();
    this.selected = { layer: source, id: String(id) };
    this.place = place;
    $("#map-locate").disabled = false;
    this.drawSelection();
    if (place && move) this.locate();
    const told = await this.drawer.show(source, id);
    if (this.selected?.id !== String(id)) return;
    this.place = place ?? told;
    if (!place && told && find) this.locate();
    this.remember();
  }

  drawSelection() {
    const { map, selected } = this;
    if (map.getLayer("selected")) map.removeLayer("selected");
    if (!selected || !map.getSource(selected.layer)) return;
    map.addLayer(selectionLayer(selected.layer, selected.id), selected.layer === "pipe" && map.getLayer("pipe") ? "pipe" : undefined);
  }

  deselect() {
    this.area.clear();
    this.selected = null;
    this.place = null;
    $("#map-locate").disabled = true;
    this.drawSelection();
    this.pad();
    this.remember();
  }

  locate() {
    if (this.place) this.map.easeTo({ center: this.place, zoom: Math.max(this.map.getZoom(), 15), duration: this.lite ? 0 : 600 });
  }

  wholeCity(duration = this.lite ? 0 : 600) {
    const { bounds, center, zoom } = this.options;
    if (bounds) this.map.fitBounds(bounds, { padding: 24, duration, bearing: 0, pitch: 0 });
    else this.map.easeTo({ center, zoom: zoom ?? 11, bearing: 0, pitch: 0, duration });
  }

  fail(error) {
    if (error?.status === 403) notice("map_denied", "lock");
    else if (error?.status === 401) notice("session_over", "lock", el("a", { href: `/login?next=${encodeURIComponent(location.pathname + location.hash)}`, text: t("log_in") }));
    else { notice("map_part_failed", "triangle-alert"); console.warn(error?.message ?? error); }
  }

  /** Hand the print form what is on screen; the server draws the sheet from the data. */
  fillPrint(form) {
    const bounds = this.map.getBounds(), fields = form.elements;
    fields.view.value = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((degrees) => degrees.toFixed(6)).join(",");
    fields.theme.value = this.colouring;
    fields.layers.value = [...this.shown].join(",");
    fields.look.value = theme();
    fields.area.value = this.area.area() ?? "";
    form.closest("dialog").close();
  }
}

/** Start the page's map; returns it, or null where the browser cannot draw it. */
export function startMap(options) {
  const power = graphics();
  if (power === "none") { refuse(options); return null; }
  const one = new OneMap(options, power === "software");
  $("#map-lite").hidden = power !== "software";
  return one.map;
}
