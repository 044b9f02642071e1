/**
 * For people in the street: where they stand, what lies nearest, and the code on a label read by the camera.
 *
 * Place and camera need the person's consent and a secure connection; when one is missing the words say which,
 * and what lies nearest to the middle of the map can be had without. A label's address is a plain address of the
 * portal, so the phone's own camera opens it too.
 */

import { $, announce, el, t, toast } from "../dom.mjs";

const CLOSE_ZOOM = 16, WAIT_MS = 15_000, LOOK_MS = 250, OLD_MS = 10_000;
const FAILURES = { 1: "near_denied", 2: "near_unknown", 3: "near_late" };

/** The path inside the portal that a label names, or null when it is none of ours. */
export function labelPath(text, origin = location.origin) {
  let url;
  try { url = new URL(text, origin); } catch { return null; }
  const path = /^\/o\/[a-z]+\/[^/]+$/.test(url.pathname) ? url.pathname + url.search : null;
  return url.origin === origin ? path : null;
}

/** Attach to the tools; `Marker` draws the place of the person. */
export function startNear(one, { Marker }) {
  const button = $("#map-me"), scan = $("#map-scan"), dialog = $("#map-scan-dialog"), video = $("#map-scan-video");
  let marker = null, stream = null, looking = null;

  const list = (place, layer = "valve") => {
    one.area.clear();
    one.drawer.showPart(() => fetch(`/map/near?layer=${layer}&at=${place.map((each) => each.toFixed(6)).join(",")}`, { headers: { "HX-Request": "true" }, credentials: "same-origin" }));
  };
  const middle = () => { const { lng, lat } = one.map.getCenter(); list([lng, lat]); };
  const refuse = (key) => {
    const note = toast(t(key), { kind: "warning" });
    note?.querySelector("div").append(" ", el("button", { class: "btn btn-s", type: "button", text: t("near_middle"), on: { click: () => { note.remove(); middle(); } } }));
  };
  const stand = ({ coords }) => {
    button.removeAttribute("aria-busy");
    const place = [coords.longitude, coords.latitude];
    marker ??= new Marker({ element: el("div", { class: "map-me", "aria-hidden": "true" }) });
    marker.setLngLat(place).addTo(one.map);
    one.map.easeTo({ center: place, zoom: Math.max(one.map.getZoom(), CLOSE_ZOOM), duration: one.lite ? 0 : 600 });
    announce(t("near_found", { metres: Math.round(coords.accuracy) }));
    list(place);
  };
  button.addEventListener("click", () => {
    if (!globalThis.isSecureContext || !navigator.geolocation) { refuse("near_insecure"); return; }
    button.setAttribute("aria-busy", "true");
    navigator.geolocation.getCurrentPosition(stand, (fault) => { button.removeAttribute("aria-busy"); refuse(FAILURES[fault.code] ?? "near_unknown"); }, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: OLD_MS });
  });
  $("#drawer").addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-near]");
    if (chosen) list(chosen.dataset.at.split(",").map(Number), chosen.dataset.near);
  });

  const shut = () => {
    clearInterval(looking);
    looking = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
  };
  const look = async (detector) => {
    const found = await detector.detect(video).catch(() => []);
    const path = found.map((each) => labelPath(each.rawValue)).find(Boolean);
    if (!looking) return;
    if (path) { shut(); location.assign(path); } else if (found.length) $("#map-scan-says").textContent = t("scan_foreign");
  };
  const open = async () => {
    dialog.showModal();
    $("#map-scan-says").textContent = t("scan_hint");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      await video.play();
      const detector = new globalThis.BarcodeDetector({ formats: ["qr_code"] });
      looking = setInterval(() => look(detector), LOOK_MS);
    } catch { $("#map-scan-says").textContent = t("scan_denied"); }
  };
  // Only some browsers read codes themselves; elsewhere the phone's camera app opens the label's address.
  if ("BarcodeDetector" in globalThis && globalThis.isSecureContext && navigator.mediaDevices) {
    scan.hidden = false;
    scan.addEventListener("click", open);
    dialog.addEventListener("close", shut);
  }
  return { middle };
}
