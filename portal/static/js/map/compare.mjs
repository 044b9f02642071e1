/**
 * Two maps under one bar: another colouring or another day to the right of it, on the same place.
 *
 * The right map lies over the left one and is cut off at the bar. What moves one moves the other. A day shows the
 * network as it was known on that day; no day means now. State: { at, right: colouring, leftDay, rightDay }.
 */

import { $, announce, t } from "../dom.mjs";
import { addIcons } from "./icons.mjs";
import { CLICKABLE, LOCAL_FONT, PARTS } from "./style.mjs";

const STEP = 2, LEAP = 10, LEAST = 4, MOST = 96, MIDDLE = 50;

/** Attach to the page's bar; `one` is the one map, `makeMap` makes a MapLibre map, `onChange` hears that the address is old. */
export function startCompare(one, { makeMap, onChange, onStart }) {
  const button = $("#map-compare"), panel = $("#map-compare-panel"), bar = $("#map-swipe"), face = $("#map-right");
  const [leftDay, rightDay] = [$("#compare-left-day"), $("#compare-right-day")], [left, right] = [$("#compare-left"), $("#compare-right")];
  const options = () => [...one.themes.values()].map((each) => new Option(each.label, each.key));
  left.replaceChildren(...options());
  right.replaceChildren(...options());
  let other = null, at = MIDDLE, following = false;

  const place = (percent) => {
    at = Math.min(MOST, Math.max(LEAST, Math.round(percent)));
    face.style.clipPath = `inset(0 0 0 ${at}%)`;
    bar.style.left = `${at}%`;
    bar.setAttribute("aria-valuenow", String(at));
    bar.setAttribute("aria-valuetext", t("compare_at", { left: at, right: 100 - at }));
  };
  const follow = (from, to) => () => {
    if (following || !to()) return;
    following = true;
    to().jumpTo({ center: from().getCenter(), zoom: from().getZoom(), bearing: from().getBearing(), pitch: from().getPitch(), padding: one.map.getPadding() });
    following = false;
  };
  const followLeft = follow(() => one.map, () => other);
  const style = () => one.style({ colouring: right.value, at: rightDay.value });
  const repaint = () => other?.setStyle(style(), { diff: false });
  const pick = (event) => {
    const near = [[event.point.x - 5, event.point.y - 5], [event.point.x + 5, event.point.y + 5]];
    const layers = CLICKABLE.flatMap((name) => PARTS[name]).filter((id) => other.getLayer(id));
    const found = other.queryRenderedFeatures(near, { layers }).filter((feature) => feature.source !== "user" || feature.properties.n === undefined);
    const first = found.sort((a, b) => CLICKABLE.indexOf(a.source) - CLICKABLE.indexOf(b.source))[0];
    if (first) one.select(first.source, first.id ?? first.properties.id, { place: [event.lngLat.lng, event.lngLat.lat], move: false });
  };

  const show = () => {
    face.hidden = bar.hidden = panel.hidden = false;
    other = makeMap(face, { style: style(), center: one.map.getCenter(), zoom: one.map.getZoom(), localIdeographFontFamily: LOCAL_FONT });
    other.setPadding(one.map.getPadding());
    other.on("style.load", () => addIcons(other));
    other.on("move", follow(() => other, () => one.map));
    other.on("moveend", onChange);
    other.on("click", pick);
    other.once("idle", () => { document.documentElement.dataset.compareReady = "1"; });
    one.map.on("move", followLeft);
    place(at);
  };
  const stop = () => {
    if (!other) return;
    one.map.off("move", followLeft);
    other.remove();
    other = null;
    face.replaceChildren();
    face.hidden = bar.hidden = panel.hidden = true;
    delete document.documentElement.dataset.compareReady;
    leftDay.value = rightDay.value = "";
    one.setDay("");
    button.setAttribute("aria-pressed", "false");
    onChange();
  };
  const start = (state = null) => {
    if (other) return;
    onStart?.();
    const keys = [...one.themes.keys()];
    at = state?.at ?? MIDDLE;
    left.value = one.colouring;
    right.value = one.themes.has(state?.right) ? state.right : keys.find((key) => key !== one.colouring) ?? keys[0];
    leftDay.value = state?.leftDay ?? "";
    rightDay.value = state?.rightDay ?? "";
    button.setAttribute("aria-pressed", "true");
    one.setDay(leftDay.value);
    show();
    if (!state) { bar.focus({ preventScroll: true }); announce(t("compare_on")); }
    onChange();
  };

  button.addEventListener("click", () => (other ? stop() : start()));
  $("[data-close-compare]", panel).addEventListener("click", () => { stop(); button.focus(); });
  left.addEventListener("change", () => one.panel.choose(left.value));
  right.addEventListener("change", () => { repaint(); onChange(); });
  leftDay.addEventListener("change", () => { if (leftDay.checkValidity()) { one.setDay(leftDay.value); onChange(); } });
  rightDay.addEventListener("change", () => { if (rightDay.checkValidity()) { repaint(); onChange(); } });
  bar.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: at - STEP, ArrowDown: at - STEP, ArrowRight: at + STEP, ArrowUp: at + STEP, PageDown: at - LEAP, PageUp: at + LEAP, Home: LEAST, End: MOST };
    if (event.key === "Escape") { stop(); button.focus(); event.preventDefault(); return; }
    if (!(event.key in keys)) return;
    event.preventDefault();
    place(keys[event.key]);
    onChange();
  });
  bar.addEventListener("pointerdown", (event) => { bar.setPointerCapture(event.pointerId); event.preventDefault(); bar.focus({ preventScroll: true }); });
  bar.addEventListener("pointermove", (event) => {
    if (!bar.hasPointerCapture(event.pointerId)) return;
    const box = face.parentElement.getBoundingClientRect();
    place(((event.clientX - box.left) / box.width) * 100);
  });
  bar.addEventListener("pointerup", onChange);
  addEventListener("themechange", repaint);

  return {
    start, stop,
    active: () => Boolean(other),
    state: () => (other ? { at, right: right.value, leftDay: leftDay.value, rightDay: rightDay.value } : null),
    /** The left map took another colouring, or a row of the layer tree was switched. */
    coloured(key) { left.value = key; },
    switched(ids, shown) { for (const id of ids) if (other?.getLayer(id)) other.setLayoutProperty(id, "visibility", shown ? "visible" : "none"); },
    pad: followLeft,
  };
}
