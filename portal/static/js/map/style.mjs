/**
 * The map's style, made from the design tokens, so that both themes and every legend share one table.
 *
 * One vector source for each layer of `/tiles/{layer}/{z}/{x}/{y}.mvt`, the source-layer named alike:
 *   pipe      id, pc pressure class 1…7, y year built, mt material, st life status, e enterprise, and what themes add
 *   station   id, k station kind, n name          valve  id, s valve state        regulator  id, f form
 *   user      n users in a grid cell below zoom 15; id, c user class from there on
 *   sensor    id, m measure, a alarm level or 0, s stale                alarm  id, l level, s state, n text
 *   district  id, n name      district_label  n name (points)      road  id, c 1…4, n name
 *   water, green, building (h)
 */

import { t, theme, token } from "../dom.mjs";

export const FONT_STACK = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC"];
export const LOCAL_FONT = '"PingFang SC","HarmonyOS Sans SC","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",sans-serif';

const SOURCES = {
  district: [0, 14], district_label: [0, 14], water: [0, 14], green: [0, 14], building: [13, 15], road: [8, 15],
  pipe: [8, 15], user: [8, 15], valve: [13, 15], regulator: [12, 15], sensor: [12, 15], station: [0, 15], alarm: [0, 15], proposal: [0, 15],
};

/** Which style layers one row of the layer tree switches. */
export const PARTS = {
  pipe: ["pipe-case", "pipe", "pipe-label"], flow: ["flow"],
  station: ["station"], valve: ["valve"], regulator: ["regulator"], sensor: ["sensor-alarm", "sensor"],
  user: ["user-cell", "user-count", "user"], alarm: ["alarm"], proposal: ["proposal"],
  district: ["district", "district-line", "district-label"], road: ["road-case", "road-4", "road-3", "road-2", "road-1", "road-label"],
  water: ["water"], green: ["green"], building: ["building"],
};

/** Layers whose features open the drawer, topmost first. */
export const CLICKABLE = ["alarm", "proposal", "station", "sensor", "regulator", "valve", "user", "pipe"];

function byCode({ property, rows }) {
  const pairs = rows.flatMap((row) => row.codes.flatMap((code) => [code, token(row.token)])), rest = token(rows.at(-1).token);
  return pairs.length ? ["match", ["to-number", ["get", property], -1], ...pairs, rest] : rest;
}

function byYear({ property, rows }) {
  const dated = rows.filter((row) => row.until), steps = [];
  dated.forEach((row, index) => { if (index) steps.push(dated[index - 1].until + 1); steps.push(token(row.token)); });
  return ["case", [">", ["to-number", ["get", property], 0], 0], ["step", ["to-number", ["get", property]], ...steps], token(rows.at(-1).token)];
}

/** The line colour of pipes in a theme of the server: its property and rows with token and codes, or `until` a year. */
export function pipeColour(coloured) {
  if (!coloured) return token("--p5");
  return coloured.rows.some((row) => row.until) ? byYear(coloured) : byCode(coloured);
}

const CLASS = ["to-number", ["get", "pc"], 7];
const byClass = (high, mediumA, mediumB, low) => ["match", CLASS, [1, 2, 3, 4], high, 5, mediumA, 6, mediumB, low];

/** Width repeats the pressure class; `extra` pixels widen it to a casing. */
function pipeWidth(extra = 0) {
  const width = (...sizes) => byClass(...sizes.map((size) => size + extra));
  return ["interpolate", ["exponential", 1.4], ["zoom"], 9, width(1.5, 1, 0.6, 0.4), 12, width(2.6, 1.8, 1, 0.7), 14, width(4, 2.9, 1.9, 1.2), 17, width(8, 6.2, 4.6, 3)];
}

const roadWidth = (low, middle, high) => ["interpolate", ["exponential", 1.5], ["zoom"], 10, low, 13, middle, 17, high];
const text = (extra) => ({ "text-font": FONT_STACK, ...extra });
const halo = (extra = {}) => ({ "text-color": token("--m-label"), "text-halo-color": token("--m-halo"), "text-halo-width": 1.4, ...extra });
const ROUND = { "line-cap": "round", "line-join": "round" };

function layer(id, type, source, more = {}) {
  return { id, type, source, "source-layer": source, ...more };
}

function baseLayers() {
  const road = (n, minzoom, paint) => layer(`road-${n}`, "line", "road", { minzoom, filter: ["==", ["get", "c"], n], layout: ROUND, paint });
  const dark = theme() === "dark";
  return [
    { id: "land", type: "background", paint: { "background-color": token("--m-land") } },
    layer("district", "fill", "district", { paint: { "fill-color": token("--m-district") } }),
    layer("green", "fill", "green", { paint: { "fill-color": token("--m-green") } }),
    layer("water", "fill", "water", { paint: { "fill-color": token("--m-water") } }),
    layer("building", "fill", "building", { minzoom: 13, paint: { "fill-color": token("--m-building"), "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0, 13.6, 1] } }),
    layer("road-case", "line", "road", { minzoom: 11, filter: ["<=", ["get", "c"], 2], layout: ROUND, paint: { "line-color": token("--m-road-case"), "line-width": roadWidth(1.8, 5.4, 22) } }),
    road(4, 13.2, { "line-color": token("--m-road3"), "line-width": roadWidth(0.4, 0.9, 6) }),
    road(3, 11.4, { "line-color": token("--m-road2"), "line-width": roadWidth(0.6, 1.8, 9) }),
    road(2, 9, { "line-color": token("--m-road1"), "line-width": roadWidth(0.9, dark ? 3 : 3.6, 15) }),
    road(1, 8, { "line-color": token("--m-road0"), "line-width": roadWidth(1.6, 4.4, 18) }),
    layer("district-line", "line", "district", { paint: { "line-color": token("--m-bound"), "line-width": ["interpolate", ["linear"], ["zoom"], 9, 0.8, 14, 1.6], "line-dasharray": [4, 2, 1, 2], "line-opacity": 0.75 } }),
  ];
}

function pipeLayers(colouring, lite) {
  const dark = theme() === "dark";
  const label = ["match", CLASS, [1, 2], t("pressure_high"), [3, 4], t("pressure_subhigh"), t("pressure_medium_a")];
  const layers = [
    layer("pipe-case", "line", "pipe", { minzoom: dark ? 12 : 10, layout: ROUND, paint: { "line-color": token("--m-pipe-case"), "line-width": pipeWidth(dark ? 3 : 1.6), "line-opacity": dark ? 0.85 : 0.9 } }),
    layer("pipe", "line", "pipe", { layout: { ...ROUND, "line-sort-key": ["-", 8, CLASS] }, paint: { "line-color": pipeColour(colouring), "line-width": pipeWidth(), "line-opacity": ["match", ["to-number", ["get", "st"], 2], [6, 7], 0.45, 1] } }),
    layer("pipe-label", "symbol", "pipe", { minzoom: 14, filter: ["<=", CLASS, 5], layout: text({ "symbol-placement": "line", "symbol-spacing": 420, "text-field": label, "text-size": 12, "text-offset": [0, 0.9] }), paint: halo() }),
  ];
  if (!lite) {
    layers.splice(2, 0, layer("flow", "symbol", "pipe", { minzoom: 13.5, filter: ["<=", CLASS, 5], layout: { "symbol-placement": "line", "symbol-spacing": 130, "icon-image": "arrow", "icon-size": ["interpolate", ["linear"], ["zoom"], 13, 0.55, 17, 1], "icon-rotation-alignment": "map", "icon-allow-overlap": true } }));
  }
  return layers;
}

function userLayers() {
  const cells = ["has", "n"];
  const radius = ["interpolate", ["linear"], ["sqrt", ["to-number", ["get", "n"], 1]], 1, 4, 20, 11, 70, 24];
  return [
    layer("user-cell", "circle", "user", { maxzoom: 15, filter: cells, paint: { "circle-color": token("--p5"), "circle-opacity": 0.35, "circle-stroke-color": token("--p5"), "circle-stroke-width": 1, "circle-radius": radius } }),
    layer("user-count", "symbol", "user", { maxzoom: 15, filter: cells, layout: text({ "text-field": ["to-string", ["get", "n"]], "text-size": 11 }), paint: halo({ "text-color": token("--fg-0") }) }),
    layer("user", "symbol", "user", { minzoom: 15, filter: ["!", cells], layout: { "icon-image": ["match", ["to-number", ["get", "c"], 10], [10, 11], "user", "user-business"], "icon-size": ["interpolate", ["linear"], ["zoom"], 15, 0.6, 18, 1], "icon-allow-overlap": true } }),
  ];
}

function deviceLayers() {
  const grow = (low, high) => ["interpolate", ["linear"], ["zoom"], 12, low, 17, high];
  const point = (id, minzoom, image, extra = {}) => layer(id, "symbol", id, { minzoom, layout: { "icon-image": image, "icon-size": grow(0.6, 1.1), "icon-allow-overlap": true, ...extra } });
  const valve = ["match", ["to-number", ["get", "s"], 1], 0, "valve-closed", 3, "valve-fault", "valve"];
  const station = ["match", ["to-number", ["get", "k"], 8], 1, "station-gate", 2, "station-gate", 3, "station-tank", 4, "station-lng", 5, "station-cng", 6, "station-tank", 7, "station-fuel", "station-regulate"];
  return [
    point("valve", 13.5, valve),
    point("regulator", 12.5, "regulator"),
    layer("sensor-alarm", "circle", "sensor", { minzoom: 12.5, filter: [">", ["to-number", ["get", "a"], 0], 0], paint: { "circle-radius": grow(8, 14), "circle-color": ["match", ["get", "a"], 1, token("--r1"), 2, token("--r2"), 3, token("--r3"), token("--r4")], "circle-opacity": 0.35 } }),
    point("sensor", 12.5, ["case", ["to-boolean", ["get", "s"]], "sensor-stale", "sensor"]),
    layer("station", "symbol", "station", {
      layout: text({ "icon-image": station, "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.6, 14, 1], "icon-allow-overlap": true, "text-field": ["step", ["zoom"], "", 12, ["get", "n"]], "text-size": 12, "text-offset": [0, 1.5], "text-anchor": "top", "text-optional": true }),
      paint: halo({ "text-color": token("--fg-0") }),
    }),
  ];
}

function labelLayers() {
  return [
    layer("road-label", "symbol", "road", { minzoom: 12.4, filter: ["has", "n"], layout: text({ "symbol-placement": "line", "symbol-spacing": 520, "text-field": ["get", "n"], "text-size": 12 }), paint: halo() }),
    layer("district-label", "symbol", "district_label", { maxzoom: 14, layout: text({ "text-field": ["get", "n"], "text-size": ["interpolate", ["linear"], ["zoom"], 9, 12, 13, 17], "text-letter-spacing": 0.25, "text-padding": 8 }), paint: halo({ "text-halo-width": 2 }) }),
  ];
}

/** A running proposal: a ring around its place, red when the enterprise's value changed meanwhile. */
function proposalLayer() {
  return layer("proposal", "circle", "proposal", { paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 5, 16, 11], "circle-color": token("--accent"), "circle-opacity": 0.15, "circle-stroke-width": 2.5, "circle-stroke-color": ["match", ["to-number", ["get", "x"], 0], 1, token("--r1"), token("--accent")] } });
}

function alarmLayer() {
  const level = ["to-number", ["get", "l"], 4];
  return layer("alarm", "symbol", "alarm", {
    layout: { "icon-image": ["concat", "alarm-", ["to-string", level]], "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.6, 14, 0.95], "icon-anchor": "bottom", "icon-allow-overlap": true, "symbol-sort-key": ["-", 5, level] },
  });
}

/** Pictures of a public base map and their labels, where one is set up. */
export const RASTERS = { vec: ["vec", "cva"], img: ["img", "cia"], ter: ["ter", "cta"] };

/** Sources that know former days. */
export const DATED = ["pipe", "station", "valve", "regulator", "user", "sensor", "alarm", "proposal"];

/** The address of a source's tiles; `fresh` differs when the content must be asked for again, `at` is a former day. */
export function tileAddress(name, version, fresh = 0, at = "") {
  const query = [version ? `v=${encodeURIComponent(version)}` : "", fresh ? `n=${fresh}` : "", at && DATED.includes(name) ? `at=${at}` : ""].filter(Boolean).join("&");
  return `${location.origin}/tiles/${name}/{z}/{x}/{y}.mvt${query ? `?${query}` : ""}`;
}

/** The whole style; `colouring` is the theme of the pipes, `hidden` names rows of the layer tree that are off, `lite` leaves out what weak graphics cannot carry, `at` is a former day. */
export function buildStyle({ version = "", colouring = null, hidden = new Set(), lite = false, sources = null, at = "", raster = "" } = {}) {
  const names = sources ?? Object.keys(SOURCES);
  const wanted = Object.entries(SOURCES).filter(([name]) => names.includes(name));
  const layers = [...baseLayers(), ...userLayers(), ...pipeLayers(colouring, lite), ...labelLayers(), ...deviceLayers(), proposalLayer(), alarmLayer()];
  const off = new Set([...hidden].flatMap((name) => PARTS[name] ?? []));
  for (const one of layers) if (off.has(one.id)) one.layout = { ...one.layout, visibility: "none" };
  const pictures = RASTERS[raster] ?? [];
  layers.splice(layers.findIndex((one) => one.id === "road-case"), 0, ...pictures.map((name) => ({ id: `raster-${name}`, type: "raster", source: `raster-${name}` })));
  return {
    version: 8, name: "gas",
    sources: Object.assign(Object.fromEntries(pictures.map((name) => [`raster-${name}`, { type: "raster", tiles: [`${location.origin}/basemap/${name}/{z}/{x}/{y}`], tileSize: 256, maxzoom: 18 }])), Object.fromEntries(wanted.map(([name, [minzoom, maxzoom]]) => [name, { type: "vector", tiles: [tileAddress(name, version, 0, at)], minzoom, maxzoom, promoteId: "id" }]))),
    layers: layers.filter((one) => !one.source || one.type === "raster" || names.includes(one.source)),
  };
}

/** The ring or glow around the selected feature, as a style layer on its own source. */
export function selectionLayer(source, id) {
  const same = ["==", ["to-string", ["get", "id"]], String(id)];
  if (source === "pipe") return layer("selected", "line", source, { filter: same, layout: ROUND, paint: { "line-color": token("--fg-0"), "line-width": pipeWidth(7), "line-opacity": 0.85 } });
  return layer("selected", "circle", source, { filter: same, paint: { "circle-radius": 17, "circle-color": token("--accent"), "circle-opacity": 0.25, "circle-stroke-color": token("--accent"), "circle-stroke-width": 2.5, ...(source === "alarm" ? { "circle-translate": [0, -14] } : {}) } });
}
