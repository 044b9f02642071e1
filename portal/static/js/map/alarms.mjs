/**
 * The live alarm list over the map, and the pulse of urgent alarms nobody has acknowledged.
 *
 * The partial `/map/alarms` holds one element for each open alarm, newest first, with
 * data-alarm-id, data-level, data-lng, data-lat and, while unacknowledged, data-unacked.
 */

import { $, $$, announce, el, freshenTimes, levelBadge, t } from "../dom.mjs";

const PULSES_MOST = 30;

/** Start the list; `open` hears (alarm id, [lng, lat] or null) when a row is chosen. */
export function startAlarms(map, { Marker, open }) {
  const box = $("#map-alarms-list"), head = $("#map-alarms-counts"), panel = $("#map-alarms"), toggle = $("#map-alarms-toggle");
  let pulses = [], total = null;
  const place = (row) => (row.dataset.lng && row.dataset.lat ? [Number(row.dataset.lng), Number(row.dataset.lat)] : null);

  const drawPulses = (rows) => {
    for (const pulse of pulses) pulse.remove();
    pulses = rows.filter((row) => row.dataset.level === "1" && "unacked" in row.dataset && place(row)).slice(0, PULSES_MOST)
      .map((row) => new Marker({ element: el("div", { class: "pulse", "aria-hidden": "true" }), offset: [0, -16] }).setLngLat(place(row)).addTo(map));
  };
  const load = async () => {
    const answer = await fetch("/map/alarms", { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    box.replaceChildren(template.content);
    globalThis.htmx?.process(box);
    freshenTimes(box);
    const rows = $$("[data-alarm-id]", box);
    head.replaceChildren(...[1, 2, 3, 4].map((level) => levelBadge(level, String(rows.filter((row) => Number(row.dataset.level) === level).length), true)));
    drawPulses(rows);
    if (total !== null && rows.length > total) announce(t("alarms_now", { n: rows.length }));
    total = rows.length;
  };
  box.addEventListener("click", (event) => {
    const row = event.target.closest("[data-alarm-id]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(row.dataset.alarmId, place(row));
  });
  const fold = (folded) => {
    panel.classList.toggle("closed", folded);
    toggle.setAttribute("aria-expanded", String(!folded));
  };
  toggle.addEventListener("click", () => fold(!panel.classList.contains("closed")));
  fold(matchMedia("(max-width: 1440px)").matches);
  return { load: () => load().catch(() => { /* the chip in the bar already says that the connection is lost */ }) };
}
