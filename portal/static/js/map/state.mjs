/** The map's state in the address: centre, zoom, colouring, layers, selection, area, comparison and time, so that a link shows the same. */

const DIGITS = 5, AREA_MOST = 3000;

/** Read the state from the fragment, or from the query where the fragment says nothing. */
export function readState() {
  const query = new URLSearchParams(location.search), hash = new URLSearchParams(location.hash.slice(1));
  const value = (key) => hash.get(key) ?? query.get(key);
  const state = {};
  const centre = (value("c") ?? "").split(",").map(Number);
  if (centre.length === 2 && Math.abs(centre[0]) <= 180 && Math.abs(centre[1]) <= 85 && value("c")) state.center = centre;
  const zoom = Number(value("z"));
  if (value("z") && zoom >= 0 && zoom <= 20) state.zoom = zoom;
  if (value("k")) state.colouring = value("k");
  if (value("l") !== null) state.layers = new Set(value("l").split(",").filter(Boolean));
  const [layer, id] = (value("sel") ?? "").split(":");
  if (/^[a-z_]+$/.test(layer) && /^[\w-]{1,40}$/.test(id ?? "")) state.selected = { layer, id };
  if (/^[-\d.,;]{5,6000}$/.test(value("a") ?? "")) state.area = value("a");
  const day = (key) => (/^\d{4}-\d\d-\d\d$/.test(value(key) ?? "") ? value(key) : "");
  const at = Number(value("v"));
  if (value("v") && at > 0 && at < 100) state.compare = { at, right: value("k2") ?? "", leftDay: day("d"), rightDay: day("d2") };
  if (/^[a-z]{3}$/.test(value("b") ?? "")) state.raster = value("b");
  if (/^(24h|7d|30d)$/.test(value("w") ?? "")) state.times = { window: value("w"), at: Number(value("t")) || null };
  return state;
}

/** The state as a fragment; the usual colouring is left out. */
export function stateText({ center, zoom, colouring, usual, layers, selected, area, compare, times, raster }) {
  const words = [`z=${zoom.toFixed(2)}`, `c=${center.lng.toFixed(DIGITS)},${center.lat.toFixed(DIGITS)}`];
  if (colouring !== usual) words.push(`k=${colouring}`);
  if (layers) words.push(`l=${[...layers].join(",")}`);
  if (selected) words.push(`sel=${selected.layer}:${selected.id}`);
  if (area && area.length < AREA_MOST) words.push(`a=${area}`);
  if (compare) {
    words.push(`v=${compare.at}`, `k2=${compare.right}`);
    if (compare.leftDay) words.push(`d=${compare.leftDay}`);
    if (compare.rightDay) words.push(`d2=${compare.rightDay}`);
  }
  if (times) words.push(`w=${times.window}`, ...(times.at ? [`t=${Math.round(times.at)}`] : []));
  if (raster) words.push(`b=${raster}`);
  return words.join("&");
}

/** Write the state into the fragment without a new entry in the history. */
export function writeState(state) {
  history.replaceState(history.state, "", `${location.pathname}${location.search}#${stateText(state)}`);
}
