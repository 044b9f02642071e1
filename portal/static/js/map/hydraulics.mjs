/**
 * Pressures on the map: `/map?net=hydraulics&closed=12&lost=3&factor=1.2&hour=18` draws the pipes by band of pressure,
 * arrows along the gas, and tells the scenario in the drawer; it goes with its panel.
 */

import { $, toast, t, token } from "../dom.mjs";

const SOURCE = "hydraulics", KEYS = ["closed", "lost", "serving", "factor", "hour"];
const COLOURS = { 4: "--p1", 3: "--p2", 2: "--p3", 1: "--r2", below: "--r1", none: "--fg-2" };

/** The scenario of the page's address, or null. */
export function scenarioOf(search) {
  const given = new URLSearchParams(search);
  if (given.get("net") !== "hydraulics") return null;
  const args = new URLSearchParams();
  for (const key of KEYS) if (/^[\d.,]{1,400}$/.test(given.get(key) ?? "")) args.set(key, given.get(key));
  return args;
}

function arrow() {
  const size = 22, canvas = Object.assign(document.createElement("canvas"), { width: size, height: size }), pen = canvas.getContext("2d");
  pen.fillStyle = token("--fg-0");
  pen.beginPath();
  pen.moveTo(18, 11);
  pen.lineTo(6, 5);
  pen.lineTo(6, 17);
  pen.fill();
  return pen.getImageData(0, 0, size, size);
}

function layers() {
  const band = ["match", ["get", "band"], ...Object.entries(COLOURS).flatMap(([key, name]) => [key, token(name)]), token("--fg-2")];
  const wide = (extra) => ["interpolate", ["linear"], ["zoom"], 10, 1.6 + extra, 15, 3.6 + extra, 18, 7 + extra], round = { "line-cap": "round", "line-join": "round" };
  return [
    { id: "hyd-case", type: "line", source: SOURCE, layout: round, paint: { "line-color": token("--m-halo"), "line-width": wide(3) } },
    { id: "hyd-line", type: "line", source: SOURCE, layout: round, paint: { "line-color": band, "line-width": wide(0) } },
    { id: "hyd-arrow", type: "symbol", source: SOURCE, minzoom: 12, filter: ["!", ["get", "still"]], layout: { "symbol-placement": "line", "symbol-spacing": 90, "icon-image": "hyd-arrow", "icon-size": 0.7, "icon-rotation-alignment": "map" } },
  ];
}

/** Start it on a map whose drawer can be filled (`put`); `lite` leaves arrows and movements out. */
export function startHydraulics(map, { drawer, lite }) {
  const args = scenarioOf(location.search), box = $("#drawer");
  if (!args) return;
  let shown = null;
  const restore = () => {
    if (!shown || !map.getStyle()) return;
    if (!map.hasImage("hyd-arrow")) map.addImage("hyd-arrow", arrow());
    if (!map.getSource(SOURCE)) map.addSource(SOURCE, { type: "geojson", data: shown });
    for (const layer of layers()) if (!map.getLayer(layer.id) && !(lite && layer.id === "hyd-arrow")) map.addLayer(layer);
  };
  const clear = () => {
    shown = null;
    for (const { id } of layers()) if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(SOURCE)) map.removeSource(SOURCE);
  };
  const ask = async () => {
    const answer = await fetch(`/network/hydraulics/panel?${args.toString().replaceAll("%2C", ",")}`, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) { toast(told.detail || told.title || t("net_failed"), { kind: "warning" }); return; }
    shown = told.geo;
    drawer.put(told.html);
    restore();
    if (told.box && !/[#&]c=/.test(location.hash)) map.fitBounds(told.box, { padding: 30, duration: 0 });
    document.documentElement.dataset.hydraulicsReady = String(told.geo.features.length);
  };
  new MutationObserver(() => { if (shown && (box.hidden || !$("[data-hydraulics-panel]", box)) && !box.querySelector("[aria-busy]")) clear(); }).observe(box, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
  map.on("style.load", restore);
  map.once("load", () => ask().catch(() => toast(t("net_failed"), { kind: "error" })));
}
