/**
 * The cockpit's map: the network as a picture without tools. Every part of it leads to the one map.
 *
 *   startWall({ container, center, zoom, bounds, theme, sources, tilesVersion });
 *     theme    how the pipes are coloured, as in onemap.mjs
 *     sources  names of the tile layers shown
 */

import * as maplibregl from "../../vendor/maplibre/maplibre-gl.mjs";
import { $, $$, el, t } from "../dom.mjs";
import { on } from "../live.mjs";
import { addIcons } from "./icons.mjs";
import { graphics, refuse } from "./power.mjs";
import { buildStyle, LOCAL_FONT, PARTS, tileAddress } from "./style.mjs";

const NEWS_MS = 700, TILT_DEG = 38, TURN_DEG = -10, PULSES_MOST = 20;
const READY = ["alarm", "station", "pipe"];

/** How much larger the wall's type is than a desk's; the map grows with it. */
const growth = () => Math.log2(Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 16));

function pulsesOf(map) {
  const rows = $$("#cockpit-alarms [data-alarm-id][data-unacked][data-level='1']").filter((row) => row.dataset.lng).slice(0, PULSES_MOST);
  return rows.map((row) => new maplibregl.Marker({ element: el("div", { class: "pulse", "aria-hidden": "true" }), offset: [0, -16] })
    .setLngLat([Number(row.dataset.lng), Number(row.dataset.lat)]).addTo(map));
}

/** Start the map; returns it, or null where the browser cannot draw it. */
export function startWall(options) {
  const power = graphics();
  if (power === "none") { refuse({ ...options, layers: [] }); return null; }
  const lite = power === "software";
  const style = () => buildStyle({ version: options.tilesVersion, colouring: options.theme, lite, sources: options.sources, hidden: new Set(["user", "sensor", "valve", "regulator", "building"]) });
  const map = new maplibregl.Map({
    container: options.container, style: style(), center: options.center, zoom: options.zoom, minZoom: 7, maxZoom: 17,
    attributionControl: false, localIdeographFontFamily: LOCAL_FONT, fadeDuration: 0, pixelRatio: lite ? 1 : undefined,
    canvasContextAttributes: { antialias: !lite }, locale: { "Map.Title": t("map_title") }, pitchWithRotate: !lite, dragRotate: !lite, scrollZoom: false,
  });
  const [west, south, east, north] = options.bounds;
  const whole = () => {
    const fit = map.cameraForBounds([[west, south], [east, north]], { padding: 12, bearing: lite ? 0 : TURN_DEG, pitch: 0 });
    if (fit) map.jumpTo({ center: fit.center, zoom: fit.zoom + growth() * 0.25, bearing: lite ? 0 : TURN_DEG, pitch: lite ? 0 : TILT_DEG });
  };
  whole();
  let pulses = [];
  const pulse = () => { for (const each of pulses) each.remove(); pulses = pulsesOf(map); };
  map.on("style.load", () => addIcons(map));
  map.once("idle", () => { document.documentElement.dataset.mapReady = "1"; pulse(); });
  map.on("error", ({ error }) => console.warn(error?.message ?? error));
  map.on("click", ({ point }) => {
    const box = [[point.x - 6, point.y - 6], [point.x + 6, point.y + 6]];
    const layers = READY.flatMap((name) => PARTS[name]).filter((id) => map.getLayer(id));
    const found = map.queryRenderedFeatures(box, { layers }).sort((a, b) => READY.indexOf(a.source) - READY.indexOf(b.source))[0];
    if (found) location.assign(`/map#sel=${found.source}:${found.id ?? found.properties.id}`);
  });
  addEventListener("themechange", () => map.setStyle(style(), { diff: false }));
  addEventListener("resize", whole);
  let waiting = null;
  on("alarm", () => {
    waiting ??= setTimeout(() => {
      waiting = null;
      map.getSource("alarm")?.setTiles([tileAddress("alarm", options.tilesVersion, Date.now())]);
      pulse();
    }, NEWS_MS);
  });
  $("#cockpit-whole")?.addEventListener("click", whole);
  return map;
}
