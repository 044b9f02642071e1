/** The cockpit: clock, full screen, and figures that are asked for again each minute. */

import { $, $$, freshenTimes, locale, setWidths } from "./dom.mjs";

const RENEW_MS = 60_000;

// Browsers without :has() learn here that the page measures itself by the wall.
document.documentElement.classList.add("cockpit");

const clock = $("#cockpit-clock");
const format = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });
// The server's clock counts; the wall's own may be wrong.
const ahead = Number(clock.dataset.now) - Date.now();
setInterval(() => { clock.textContent = format.format(Date.now() + ahead); }, 1000);

$("#cockpit-district")?.addEventListener("change", (event) => event.target.form.requestSubmit());

const full = $("#cockpit-full");
full?.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => { full.hidden = true; });
});

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of $$("[data-renew]")) {
    const next = fresh.getElementById(part.id);
    if (!next || part.contains(document.activeElement)) continue;
    part.replaceWith(next);
    setWidths(next);
    freshenTimes(next);
  }
}
// A failed renewal is tried again a minute later; the bar says meanwhile that the connection is lost.
setInterval(() => renew().catch(() => {}), RENEW_MS);
