/** Measure on the map: click along a way, read its length, and its area once it has three corners. */

import { $, announce, formatNumber, t, token } from "../dom.mjs";

const EARTH_RADIUS_M = 6_371_008.8;
const radians = (degrees) => (degrees * Math.PI) / 180;

/** Great-circle length of a way, in metres. */
export function lengthM(points) {
  let sum = 0;
  for (let n = 1; n < points.length; n += 1) {
    const [a, b] = [points[n - 1], points[n]], dLat = radians(b[1] - a[1]), dLng = radians(b[0] - a[0]);
    const h = Math.sin(dLat / 2) ** 2 + Math.cos(radians(a[1])) * Math.cos(radians(b[1])) * Math.sin(dLng / 2) ** 2;
    sum += 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(h));
  }
  return sum;
}

/** Area of a ring on the sphere, in square metres. */
export function areaM2(points) {
  let sum = 0;
  for (let n = 0; n < points.length; n += 1) {
    const [a, b] = [points[n], points[(n + 1) % points.length]];
    sum += radians(b[0] - a[0]) * (2 + Math.sin(radians(a[1])) + Math.sin(radians(b[1])));
  }
  return Math.abs((sum * EARTH_RADIUS_M ** 2) / 2);
}

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
