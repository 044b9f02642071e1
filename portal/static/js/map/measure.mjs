/** Measure on the map: click along a way, read its length, and its area once it has three corners. */

import { $, announce, formatNumber, t, token } from "../dom.mjs";
import { areaM2, lengthM } from "./geodesy.mjs";

const distance = (metres) => (metres < 1000 ? `${formatNumber(metres)} m` : `${formatNumber(metres / 1000, 2)} km`);
const surface = (m2) => (m2 < 100_000 ? `${formatNumber(m2)} m²` : `${formatNumber(m2 / 1e6, 3)} km²`);

/** Attach the tool to its button; returns whether it is on, and how to redraw after a new style. */
export function startMeasure(map, { onToggle }) {
  const button = $("#map-measure"), box = $("#map-measure-box");
  let points = [], on = false, done = false;
  const shape = () => ({
    type: "FeatureCollection",
    features: [
      ...(points.length > 1 ? [{ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: points } }] : []),
      ...points.map((point) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: point } })),
    ],
  });
  const restore = () => {
    if (!on || map.getSource("measure")) return;
    map.addSource("measure", { type: "geojson", data: shape() });
    map.addLayer({ id: "measure-case", type: "line", source: "measure", paint: { "line-color": token("--m-halo"), "line-width": 6 } });
    map.addLayer({ id: "measure-line", type: "line", source: "measure", paint: { "line-color": token("--accent"), "line-width": 3, "line-dasharray": [2, 1] } });
    map.addLayer({ id: "measure-point", type: "circle", source: "measure", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 5, "circle-color": token("--m-halo"), "circle-stroke-color": token("--accent"), "circle-stroke-width": 2.5 } });
  };
  const show = () => {
    map.getSource("measure")?.setData(shape());
    const words = points.length < 2 ? t("measure_hint") : `${t("measure_length")} ${distance(lengthM(points))}${points.length > 2 ? ` · ${t("measure_area")} ${surface(areaM2(points))}` : ""}`;
    $("span", box).textContent = words;
    if (points.length > 1) announce(words);
  };
  const toggle = (value) => {
    on = value;
    done = false;
    points = [];
    button.setAttribute("aria-pressed", String(on));
    box.hidden = !on;
    map.getCanvas().classList.toggle("measuring", on);
    map.doubleClickZoom[on ? "disable" : "enable"]();
    if (on) restore();
    else for (const id of ["measure-point", "measure-line", "measure-case"]) if (map.getLayer(id)) map.removeLayer(id);
    if (!on && map.getSource("measure")) map.removeSource("measure");
    if (on) show();
    onToggle?.(on);
  };
  button.addEventListener("click", () => toggle(!on));
  $("button", box).addEventListener("click", () => toggle(false));
  map.on("click", (event) => {
    if (!on) return;
    if (done) { points = []; done = false; }
    points.push([event.lngLat.lng, event.lngLat.lat]);
    show();
  });
  map.on("dblclick", () => {
    if (!on) return;
    points.pop(); // The second click of the pair set the last corner twice.
    done = true;
    show();
  });
  return { active: () => on, stop: () => { if (on) toggle(false); }, restore };
}
