/** What is drawn over the curves of a pane: limits as they were, alarms, back-filled spans, numbers at the ends. */

import { formatNumber, t, token } from "../dom.mjs";

const px = (size) => size * devicePixelRatio;
const BAR = 8;

/** The shape of an alarm level: square, triangle, diamond, circle. */
export function shape(ctx, level, x, y, size) {
  ctx.beginPath();
  if (level === 1) ctx.rect(x - size, y - size, 2 * size, 2 * size);
  else if (level === 2) { ctx.moveTo(x, y - size * 1.1); ctx.lineTo(x + size * 1.1, y + size); ctx.lineTo(x - size * 1.1, y + size); ctx.closePath(); }
  else if (level === 3) { ctx.moveTo(x, y - size * 1.2); ctx.lineTo(x + size * 1.2, y); ctx.lineTo(x, y + size * 1.2); ctx.lineTo(x - size * 1.2, y); ctx.closePath(); }
  else ctx.arc(x, y, size, 0, 2 * Math.PI);
}

function written(ctx, words, x, y, colour) {
  ctx.lineWidth = px(4); ctx.lineJoin = "round";
  ctx.strokeStyle = token("--bg-1"); ctx.setLineDash([]);
  ctx.strokeText(words, x, y);
  ctx.fillStyle = colour; ctx.fillText(words, x, y);
}

/** Limits of the chosen curve; one beyond the picture is named at its edge. */
export function drawLimits(plot, limits, scale, digits) {
  const { ctx, bbox } = plot, right = bbox.left + bbox.width, bottom = bbox.top + bbox.height;
  ctx.save();
  ctx.font = `500 ${px(11)}px ${token("--font-num")}`;
  ctx.textAlign = "right"; ctx.textBaseline = "alphabetic";
  const beyond = { low: [], high: [] };
  for (const limit of limits) {
    const y = Math.round(plot.valToPos(limit.v, scale, true));
    const words = `${t(`limit_${limit.name}`)} ${formatNumber(limit.v, digits)}`, last = limit.to >= plot.scales.x.max - 1;
    if (y < bbox.top || y > bottom) {
      if (last) beyond[y < bbox.top ? "high" : "low"].push(words);
      continue;
    }
    const from = Math.max(bbox.left, plot.valToPos(limit.from, "x", true)), to = Math.min(right, plot.valToPos(limit.to, "x", true));
    if (to <= from) continue;
    ctx.strokeStyle = token(`--r${limit.level}`); ctx.globalAlpha = 0.85;
    ctx.lineWidth = px(1.25); ctx.setLineDash([px(10), px(4), px(2), px(4)]);
    ctx.beginPath(); ctx.moveTo(from, y); ctx.lineTo(to, y); ctx.stroke();
    ctx.globalAlpha = 1;
    if (last) written(ctx, words, right - px(4), y - px(4), token(`--r${limit.level}-t`));
  }
  beyond.high.forEach((words, place) => written(ctx, `↑ ${words}`, right - px(4 + 118 * place), bbox.top + px(22), token("--fg-2")));
  beyond.low.forEach((words, place) => written(ctx, `↓ ${words}`, right - px(4 + 118 * place), bottom - px(6), token("--fg-2")));
  ctx.restore();
}

/** Alarms as bars along the top from when they were raised to when they cleared, their shape at the beginning. */
export function drawAlarms(plot, alarms) {
  const { ctx, bbox } = plot, right = bbox.left + bbox.width;
  ctx.save();
  for (const alarm of [...alarms].sort((one, other) => other.level - one.level)) {
    const at = plot.valToPos(alarm.at, "x", true), until = alarm.to === null ? right : plot.valToPos(alarm.to, "x", true);
    const from = Math.max(bbox.left, at), to = Math.min(right, Math.max(until, from + px(3)));
    if (to < bbox.left || from > right) continue;
    ctx.fillStyle = token(`--r${alarm.level}`);
    ctx.globalAlpha = 0.1; ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.globalAlpha = alarm.historical ? 0.5 : 0.9; ctx.fillRect(from, bbox.top + px(2), to - from, px(3));
    ctx.globalAlpha = 1;
    if (at < bbox.left) continue;
    ctx.strokeStyle = token("--bg-1"); ctx.lineWidth = px(2);
    shape(ctx, alarm.level, at, bbox.top + px(8), px(5)); ctx.stroke(); ctx.fill();
  }
  ctx.restore();
}

/** Back-filled spans as hatched bars along the bottom, one row a curve. */
export function drawBackFilled(plot, rows) {
  const { ctx, bbox } = plot, right = bbox.left + bbox.width;
  ctx.save();
  ctx.font = `500 ${px(10)}px ${token("--font-ui")}`; ctx.textBaseline = "bottom";
  rows.forEach(({ curve, colour }, row) => {
    const bottom = bbox.top + bbox.height - px(2) - row * px(BAR + 2);
    for (const [first, last] of curve.b) {
      const from = Math.max(bbox.left, plot.valToPos(curve.t0 + curve.shift + first * curve.step, "x", true));
      const to = Math.min(right, plot.valToPos(curve.t0 + curve.shift + (last + 1) * curve.step, "x", true));
      if (to <= from) continue;
      const wide = Math.max(to - from, px(2));
      ctx.save();
      ctx.beginPath(); ctx.rect(from, bottom - px(BAR), wide, px(BAR)); ctx.clip();
      ctx.globalAlpha = 0.25; ctx.fillStyle = colour; ctx.fillRect(from, bottom - px(BAR), wide, px(BAR));
      ctx.globalAlpha = 1; ctx.strokeStyle = colour; ctx.lineWidth = px(1.25);
      for (let x = from - px(BAR); x < from + wide; x += px(5)) { ctx.beginPath(); ctx.moveTo(x, bottom); ctx.lineTo(x + px(BAR), bottom - px(BAR)); ctx.stroke(); }
      ctx.restore();
      if (wide > px(34)) written(ctx, t("back_filled"), from + px(3), bottom - px(BAR), colour);
    }
  });
  ctx.restore();
}

/** The number of each curve at its newest value, so that colour is not the only way to tell them apart. */
export function drawEnds(plot, ends) {
  const { ctx, bbox } = plot, taken = [];
  ctx.save();
  ctx.font = `600 ${px(11)}px ${token("--font-num")}`; ctx.textAlign = "center"; ctx.textBaseline = "middle";
  for (const { curve, colour, number, scale } of ends) {
    let at = curve.v.length - 1;
    while (at >= 0 && (curve.v[at] === null || curve.v[at] === undefined)) at -= 1;
    if (at < 0) continue;
    const x = Math.min(bbox.left + bbox.width - px(9), plot.valToPos(curve.t0 + curve.shift + at * curve.step, "x", true) + px(2));
    let y = Math.min(bbox.top + bbox.height - px(9), Math.max(bbox.top + px(9), plot.valToPos(curve.v[at], scale, true)));
    while (taken.some((other) => Math.abs(other - y) < px(15))) y -= px(15);
    taken.push(y);
    ctx.fillStyle = colour; ctx.strokeStyle = token("--bg-1"); ctx.lineWidth = px(2);
    ctx.beginPath(); ctx.arc(x, y, px(8), 0, 2 * Math.PI); ctx.stroke(); ctx.fill();
    ctx.fillStyle = token("--bg-1"); ctx.fillText(String(number), x, y + px(0.5));
  }
  ctx.restore();
}
