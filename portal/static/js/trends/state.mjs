/**
 * What the picture of trends shows, kept in the address so that it can be sent to somebody.
 *
 *   p=12,15;18   points, panes parted by `;`      span=24h   live, ending now      from=…&to=…   s since 1970
 *   cmp=year     the same a year before           wx=1       outdoor air           lim=0         without limits
 */

export const LIMIT = { points: 16, panes: 6 };

/** The state an address holds. */
export function readState(search = location.search) {
  const given = new URLSearchParams(search), seen = new Set();
  const panes = (given.get("p") ?? "").split(";").slice(0, LIMIT.panes)
    .map((pane) => pane.split(",").map(Number).filter((id) => Number.isInteger(id) && id > 0 && !seen.has(id) && seen.add(id)))
    .filter((pane) => pane.length);
  const from = Number(given.get("from")), to = Number(given.get("to"));
  const still = given.has("from") && given.has("to") && to > from;
  return {
    panes, span: still ? "" : given.get("span") ?? "24h", from: still ? from : null, to: still ? to : null,
    year: given.get("cmp") === "year", weather: given.get("wx") === "1", limits: given.get("lim") !== "0",
  };
}

/** The query that says the state. */
export function asQuery(state) {
  const said = [`p=${state.panes.map((pane) => pane.join(",")).join(";")}`];
  if (state.span) said.push(`span=${state.span}`); else said.push(`from=${Math.round(state.from)}`, `to=${Math.round(state.to)}`);
  if (state.year) said.push("cmp=year");
  if (state.weather) said.push("wx=1");
  if (!state.limits) said.push("lim=0");
  return said.join("&");
}

export const pointsOf = (state) => state.panes.flat();

/** Put the state into the address; a step one may go back from, or the same place. */
export function keep(state, { step = false } = {}) {
  const address = state.panes.length || !state.span || state.span !== "24h" ? `?${asQuery(state)}` : location.pathname;
  if (address === location.search) return;
  history[step ? "pushState" : "replaceState"](null, "", address);
}
