/** The map's state in the address: centre, zoom, colouring, layers and selection, so that a link shows the same. */

const DIGITS = 5;

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
  return state;
}

/** Write the state into the fragment without a new entry in the history. */
export function writeState({ center, zoom, colouring, layers, selected }) {
  const words = [`z=${zoom.toFixed(2)}`, `c=${center.lng.toFixed(DIGITS)},${center.lat.toFixed(DIGITS)}`];
  if (colouring !== "pressure") words.push(`k=${colouring}`);
  if (layers) words.push(`l=${[...layers].join(",")}`);
  if (selected) words.push(`sel=${selected.layer}:${selected.id}`);
  history.replaceState(history.state, "", `${location.pathname}${location.search}#${words.join("&")}`);
}
