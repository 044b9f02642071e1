/** A small map on which a place, or the corners of a line, are clicked into the field `#place` of a form. */

import * as maplibregl from "../../vendor/maplibre/maplibre-gl.mjs";
import { $, t, token } from "../dom.mjs";
import { addIcons } from "./icons.mjs";
import { graphics } from "./power.mjs";
import { buildStyle, LOCAL_FONT } from "./style.mjs";

const DIGITS = 6, NEAR_ZOOM = 17, FAR_ZOOM = 12;

/** Start it in the element of this id; `data-lng` and `data-lat` say where it begins, `data-line` that corners are wanted. */
export function startPlace(id) {
  const box = $(`#${id}`), field = $("#place"), lite = graphics() === "software";
  if (graphics() === "none") { box.hidden = true; return; }
  const begin = [Number(box.dataset.lng), Number(box.dataset.lat)], known = box.dataset.lng !== "";
  const map = new maplibregl.Map({
    container: id, style: buildStyle({ lite }), center: known ? begin : [112.5, 32], zoom: known ? NEAR_ZOOM : FAR_ZOOM, minZoom: 7, maxZoom: 20,
    attributionControl: false, localIdeographFontFamily: LOCAL_FONT, fadeDuration: 0, dragRotate: false, pitchWithRotate: false, pixelRatio: lite ? 1 : undefined,
    locale: { "Map.Title": t("map_title") },
  });
  const read = () => field.value.split(";").map((each) => each.split(",").map(Number)).filter((pair) => pair.length === 2 && pair.every(Number.isFinite));
  const shown = () => {
    const spots = read(), features = spots.map((coordinates) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates } }));
    if (spots.length > 1) features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: spots } });
    return { type: "FeatureCollection", features };
  };
  const draw = () => map.getSource("place")?.setData(shown());
  map.on("style.load", () => {
    addIcons(map);
    map.addSource("place", { type: "geojson", data: shown() });
    map.addLayer({ id: "place-line", type: "line", source: "place", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": token("--r1"), "line-width": 4, "line-dasharray": [2, 1] } });
    map.addLayer({ id: "place-spot", type: "circle", source: "place", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 8, "circle-color": token("--r1"), "circle-stroke-color": token("--m-halo"), "circle-stroke-width": 2 } });
  });
  map.once("idle", () => { box.dataset.ready = "1"; });
  map.on("click", ({ lngLat }) => {
    const spot = `${lngLat.lng.toFixed(DIGITS)},${lngLat.lat.toFixed(DIGITS)}`;
    field.value = box.dataset.line && field.value ? `${field.value};${spot}` : spot;
    draw();
  });
  field.addEventListener("input", draw);
  $("#place-clear").addEventListener("click", () => { field.value = ""; draw(); });
  addEventListener("themechange", () => map.setStyle(buildStyle({ lite }), { diff: false }));
}
