/**
 * Curves as the server sends them, laid over one axis of time for uPlot.
 *
 * A curve is an even grid: `t0`, `step`, a value a bucket, `q` runs of doubtful buckets, `b` runs of back-filled ones,
 * `shift` seconds by which last year's curve is moved. null is a gap; undefined means that another curve has an instant
 * there and this one has not: uPlot draws through it.
 */

const GAP_STEPS = 3;

/** Where a curve stands at an instant: its value with band and state; null where nothing was read. */
export function valueAt(curve, x) {
  const place = Math.floor((x - curve.shift - curve.t0) / curve.step + 1e-6);
  for (let at = place; at >= 0 && at > place - GAP_STEPS; at -= 1) {
    const value = curve.v[at];
    if (value === null || value === undefined) continue;
    return {
      value, low: curve.lo?.[at] ?? null, high: curve.hi?.[at] ?? null, at: curve.t0 + at * curve.step,
      doubtful: within(curve.q, at), late: within(curve.b, at),
    };
  }
  return null;
}

const within = (runs, place) => runs.some(([first, last]) => place >= first && place <= last);

/** All instants of some curves, ascending and each once. */
function axisOf(curves) {
  const seen = new Set();
  for (const curve of curves) for (let at = 0; at < curve.v.length; at += 1) seen.add(curve.t0 + curve.shift + at * curve.step);
  return Float64Array.from(seen).sort();
}

function doubts(curve) {
  const marked = new Uint8Array(curve.v.length);
  for (const [first, last] of curve.q) marked.fill(1, first, last + 1);
  return marked;
}

/** One curve on the axis: its sure part, its doubtful part with a neighbour on each side, and its band. */
function columnsOf(curve, places, length) {
  const made = { sure: new Array(length), doubtful: null, low: null, high: null };
  const marked = doubts(curve), count = curve.v.length;
  if (curve.q.length) made.doubtful = new Array(length);
  if (curve.lo) { made.low = new Array(length); made.high = new Array(length); }
  let empty = 0;
  for (let at = 0; at < count; at += 1) {
    const place = places[at], value = curve.v[at], known = value !== null && value !== undefined;
    if (made.low) { made.low[place] = curve.lo[at]; made.high[place] = curve.hi[at]; }
    if (!known) {
      empty += 1;
      if (empty > GAP_STEPS) { made.sure[place] = null; if (made.doubtful) made.doubtful[place] = null; }
      continue;
    }
    empty = 0;
    made.sure[place] = marked[at] ? null : value;
    if (made.doubtful) made.doubtful[place] = marked[at] || marked[at - 1] || marked[at + 1] ? value : null;
  }
  return made;
}

/** The curves of a pane as uPlot takes them: `data`, and for each curve where its columns lie. */
export function aligned(curves) {
  const drawn = curves.filter((curve) => curve.v.length), axis = axisOf(drawn);
  const at = new Map(); axis.forEach((x, place) => at.set(x, place));
  const data = [axis], columns = [];
  for (const curve of drawn) {
    const places = curve.v.map((_, index) => at.get(curve.t0 + curve.shift + index * curve.step));
    const made = columnsOf(curve, places, axis.length), own = { curve };
    for (const name of ["sure", "doubtful", "low", "high"]) {
      if (made[name]) { own[name] = data.length; data.push(made[name]); }
    }
    columns.push(own);
  }
  return { data, columns };
}
