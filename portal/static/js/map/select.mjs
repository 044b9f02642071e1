/**
 * Select by area: drag a box, or click the corners of a polygon; the drawer then counts what lies in it.
 *
 * The server is asked with POST /map/selection {"area": "lon,lat;lon,lat;…"}; two points are corners of a box.
 * Enter takes the part of the map on screen (box) or closes the polygon; Escape ends the tool.
 */

import { $, announce, t, token } from "../dom.mjs";

const DIGITS = 6, CORNERS_LEAST = 3, SOURCE = "area";
const csrf = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";

/** The area's text as a ring of points; empty when it is none. */
export function ringOf(text) {
  const points = (text ?? "").split(";").map((part) => part.split(",").map(Number));
  if (points.length < 2 || points.some((point) => point.length !== 2 || point.some(Number.isNaN))) return [];
  if (points.length > 2) return [...points, points[0]];
  const [[west, south], [east, north]] = points;
  return [[west, south], [east, south], [east, north], [west, north], [west, south]];
}

const textOf = (points) => points.map(([lng, lat]) => `${lng.toFixed(DIGITS)},${lat.toFixed(DIGITS)}`).join(";");

/**
 * Attach the two tools. `drawer` shows the answer, `onToggle` hears when a tool goes on, `onChange` hears a new
 * area (its text, or null), `colouring` gives the present theme for the export.
 */
export function startSelect(map, { drawer, onToggle, onChange, colouring }) {
  const buttons = { box: $("#map-box"), polygon: $("#map-polygon") }, hint = $("#map-select-box");
  let tool = null, points = [], from = null, to = null, area = null;

  const shape = () => {
    const ring = area ? ringOf(area) : from && to ? ringOf(textOf([from, to])) : points.length > 1 ? points : [];
    const closed = ring.length > CORNERS_LEAST && (area || from);
    const features = ring.length ? [{ type: "Feature", properties: {}, geometry: closed ? { type: "Polygon", coordinates: [ring] } : { type: "LineString", coordinates: ring } }] : [];
    if (!area) for (const point of points) features.push({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: point } });
    return { type: "FeatureCollection", features };
  };
  const draw = () => {
    const data = shape(), known = map.getSource(SOURCE);
    if (known) { known.setData(data); return; }
    if (!data.features.length) return;
    map.addSource(SOURCE, { type: "geojson", data });
    map.addLayer({ id: "area-fill", type: "fill", source: SOURCE, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": token("--accent"), "fill-opacity": 0.12 } });
    map.addLayer({ id: "area-line", type: "line", source: SOURCE, paint: { "line-color": token("--accent"), "line-width": 2, "line-dasharray": [3, 1.5] } });
    map.addLayer({ id: "area-point", type: "circle", source: SOURCE, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 4.5, "circle-color": token("--m-halo"), "circle-stroke-color": token("--accent"), "circle-stroke-width": 2 } });
  };
  const clear = () => { area = null; points = []; from = to = null; draw(); };
  const toggle = (name) => {
    tool = name;
    for (const [key, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(key === tool));
    hint.hidden = !tool;
    map.getCanvas().classList.toggle("measuring", Boolean(tool));
    map.dragPan[tool === "box" ? "disable" : "enable"]();
    map.doubleClickZoom[tool ? "disable" : "enable"]();
    if (!tool) { points = []; from = to = null; draw(); return; }
    onToggle();
    clear();
    $("span", hint).textContent = t(`select_${tool}_hint`);
    announce(t(`select_${tool}_hint`));
    map.getCanvas().focus({ preventScroll: true });
  };

  /** Show an area's contents; `fit` brings it on screen. */
  const show = async (text, { fit = false } = {}) => {
    area = text;
    draw();
    onChange(text);
    const ring = ringOf(text);
    if (fit && ring.length) {
      const [lngs, lats] = [ring.map(([lng]) => lng), ring.map(([, lat]) => lat)];
      map.fitBounds([Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)], { padding: 40, duration: 0 });
    }
    await drawer.showPart(() => fetch("/map/selection", {
      method: "POST", credentials: "same-origin", body: JSON.stringify({ area: text }),
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf() },
    }));
    const form = $("#drawer [data-area-export]");
    if (form) form.addEventListener("submit", () => { form.elements.theme.value = colouring(); });
    for (const swatch of document.querySelectorAll("#drawer [data-token]")) swatch.style.background = token(swatch.dataset.token);
  };
  const finish = (corners) => {
    const text = textOf(corners);
    toggle(null);
    show(text);
  };
  const place = (event) => [event.lngLat.lng, event.lngLat.lat];
  const closePolygon = () => {
    if (points.length >= CORNERS_LEAST) finish(points);
    else $("span", hint).textContent = t("select_more_corners");
  };

  for (const [key, button] of Object.entries(buttons)) button.addEventListener("click", () => toggle(tool === key ? null : key));
  $("button", hint).addEventListener("click", () => toggle(null));
  const begin = (event) => { if (tool === "box" && !from) { from = to = place(event); } };
  const move = (event) => { if (tool === "box" && from) { to = place(event); draw(); } };
  const end = (event) => {
    if (tool !== "box" || !from) return;
    to = place(event);
    const [a, b] = [map.project(from), map.project(to)];
    if (Math.abs(a.x - b.x) < 6 || Math.abs(a.y - b.y) < 6) { from = to = null; draw(); return; }
    finish([[Math.min(from[0], to[0]), Math.min(from[1], to[1])], [Math.max(from[0], to[0]), Math.max(from[1], to[1])]]);
  };
  for (const [kind, hear] of [["mousedown", begin], ["mousemove", move], ["mouseup", end], ["touchstart", begin], ["touchmove", move], ["touchend", end]]) map.on(kind, hear);
  map.on("click", (event) => { if (tool === "polygon") { points.push(place(event)); draw(); } });
  map.on("dblclick", () => { if (tool === "polygon") { points.pop(); closePolygon(); } });
  addEventListener("keydown", (event) => {
    if (!tool) return;
    if (event.key === "Escape") { event.preventDefault(); toggle(null); }
    if (event.key !== "Enter" || !map.getCanvas().contains(document.activeElement)) return;
    event.preventDefault();
    const bounds = map.getBounds();
    if (tool === "polygon") closePolygon();
    else finish([[bounds.getWest(), bounds.getSouth()], [bounds.getEast(), bounds.getNorth()]]);
  }, true);

  return { active: () => Boolean(tool), stop: () => { if (tool) toggle(null); }, clear: () => { clear(); onChange(null); }, show, restore: draw, area: () => area };
}
