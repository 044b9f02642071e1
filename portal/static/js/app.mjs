/** What every page does: theme, menus, confirmations, times, freshness, bell, sound, search. */

import { $, $$, announce, confirmed, formatNumber, freshenTimes, getJson, locale, setIcon, setWidths, store, t, theme, toast } from "./dom.mjs";
import { on, onGap } from "./live.mjs";
import { startParts } from "./parts.mjs";
import { startSearch } from "./search.mjs";
import { setUrgent, startSiren } from "./siren.mjs";

const FRESHNESS_MS = 60_000, TIMES_MS = 30_000;

function paintTheme() {
  const dark = theme() === "dark";
  for (const button of $$("[data-theme-toggle]")) {
    setIcon(button, dark ? "sun" : "moon");
    button.setAttribute("aria-label", t(dark ? "to_light" : "to_dark"));
    button.title = t(dark ? "to_light" : "to_dark");
  }
}

function startTheme() {
  paintTheme();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = theme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    store.set("theme", next);
    paintTheme();
    dispatchEvent(new Event("themechange"));
  });
}

function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of $$("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.closest("[data-dismiss]")) event.target.closest(".toast, .notice")?.remove();
    const opener = event.target.closest("[data-opens]");
    if (opener) $(`#${CSS.escape(opener.dataset.opens)}`)?.showModal();
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
    if (event.target.closest("[data-action=back]")) history.back();
    if (event.target.closest("[data-action=reload]")) location.reload();
    if (event.target.closest("[data-action=print]")) print();
    const copier = event.target.closest("[data-copy]");
    if (copier) navigator.clipboard?.writeText(copier.dataset.copy).then(() => toast(t("copied"), { kind: "success" }));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = $("details[data-menu][open]");
    if (menu) { menu.open = false; $("summary", menu).focus(); }
  });
}

/** Forms, buttons and links with data-confirm ask first; data-danger makes the button red. */
function startConfirm() {
  const agreed = new WeakSet();
  document.addEventListener("submit", async (event) => {
    const source = event.submitter?.dataset.confirm ? event.submitter : event.target;
    if (!source.dataset?.confirm || agreed.delete(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const yes = await confirmed(source.dataset.confirm, { yes: source.dataset.yes, danger: "danger" in source.dataset });
    if (!yes) return;
    agreed.add(event.target);
    event.target.requestSubmit(event.submitter);
  }, true);
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-confirm]");
    if (!link) return;
    event.preventDefault();
    if (await confirmed(link.dataset.confirm, { yes: link.dataset.yes })) location.assign(link.href);
  });
  document.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    if (await confirmed(event.detail.question, { danger: "danger" in event.target.dataset })) event.detail.issueRequest(true);
  });
}

/** Second clicks on a slow form would send it twice. */
function startSubmitGuard() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method === "dialog") return;
    const button = event.submitter;
    if (!button || "again" in button.dataset) return;
    setTimeout(() => { button.setAttribute("aria-busy", "true"); }, 0);
    setTimeout(() => { button.removeAttribute("aria-busy"); }, 8000);
  });
  addEventListener("pageshow", () => { for (const button of $$("[aria-busy=true]")) button.removeAttribute("aria-busy"); });
}

function startFreshness() {
  const chip = $("#freshness");
  if (!chip) return;
  const words = $("span:last-child", chip);
  let asked = 0;
  const ask = async () => {
    asked = Date.now();
    try {
      const { state, text } = await getJson("/home/freshness");
      chip.dataset.state = state;
      words.textContent = text;
    } catch (refused) {
      if (refused.status === 403 || refused.status === 404) { chip.hidden = true; clearInterval(timer); return; }
      chip.dataset.state = "";
      words.textContent = t("freshness_failed");
    }
  };
  const timer = setInterval(() => { if (!document.hidden) ask(); }, FRESHNESS_MS);
  ask();
  on("intake", () => { if (!document.hidden && Date.now() - asked > 15_000) ask(); });
}

function setBell(count) {
  const bell = $("#bell");
  if (!bell) return;
  const badge = $("b", bell);
  badge.textContent = count < 1000 ? String(count) : "999+";
  badge.hidden = count === 0;
  bell.setAttribute("aria-label", t("open_alarms", { n: formatNumber(count) }));
}

/** News only carries ids, so the count, and the newest urgent alarm, are asked under the user's own rights. */
function startBell() {
  if (!$("#bell")) return;
  let waiting = null, seen = store.get("alarm-seen") ?? "";
  const ask = async () => {
    waiting = null;
    const { open, urgent, latest } = await getJson("/operation/alarms/count");
    setBell(open);
    setUrgent(urgent);
    if (!latest || Number(latest.level) !== 1 || String(latest.id) === seen) return;
    seen = String(latest.id);
    store.set("alarm-seen", seen);
    toast(`${t("urgent_alarm")}: ${latest.text ?? ""}`, { kind: "alarm", action: { text: t("show_alarm"), url: latest.url ?? `/operation/alarms/${latest.id}` } });
  };
  const soon = (ms) => { waiting ??= setTimeout(() => ask().catch(() => { waiting = null; }), ms); };
  on("alarm", () => soon(250));
  onGap(() => soon(250));
  if (Number($("#bell b")?.textContent) > 0 || $("#bell b")?.textContent === "999+") soon(50);
}

/** Notices of the escalation for one's own screen; that they came this far is their receipt. */
function startNotices() {
  if (!$("#bell")) return;
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"];
  const told = new Set();
  let waiting = null;
  const ask = async () => {
    waiting = null;
    const { notices } = await getJson("/operation/duty/inbox", { method: "POST", headers: { Accept: "application/json", "X-CSRFToken": token } });
    for (const each of notices) {
      if (told.has(each.id) || each.step === 0) continue;
      told.add(each.id);
      toast(`${t("escalated_to_you")}: ${each.subject}`, { kind: "alarm", action: { text: t("show_alarm"), url: each.url } });
    }
  };
  const soon = (ms) => { waiting ??= setTimeout(() => ask().catch(() => { waiting = null; }), ms); };
  on("task", () => soon(500));
}

function startLiveState() {
  const chip = $("#live-lost");
  if (!chip) return;
  let timer = null;
  on("state", ({ connected, since }) => {
    clearTimeout(timer);
    if (connected) { chip.hidden = true; return; }
    // A reconnect within two seconds is not worth a word.
    timer = setTimeout(() => {
      const at = new Date(since).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "Asia/Shanghai" });
      $("span", chip).textContent = t("live_lost", { at });
      chip.hidden = false;
    }, 2000);
  });
}

function startPartials() {
  document.addEventListener("htmx:load", (event) => { setWidths(event.detail.elt); freshenTimes(event.detail.elt); });
  document.addEventListener("htmx:sendError", () => toast(t("request_failed"), { kind: "error" }));
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status === 401) { location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`); return; }
    toast(t("request_refused", { status }), { kind: "error" });
  });
}

function startToasts() {
  for (const note of $$("#toasts .toast")) {
    announce(note.textContent.trim());
    if (!note.matches(".toast-error, .toast-warning")) setTimeout(() => note.remove(), 7000);
  }
}

/** What lies open on a desk begins folded on a phone, unless it was opened there. */
function startFolds() {
  const phone = matchMedia("(max-width: 760px)");
  const paint = () => { for (const fold of $$("details[data-fold-s]")) fold.open = !phone.matches; };
  phone.addEventListener("change", paint);
  paint();
}

startTheme();
startMenus();
startConfirm();
startSubmitGuard();
startSearch();
startFreshness();
startSiren();
startBell();
startNotices();
startLiveState();
startPartials();
startToasts();
startParts();
startFolds();
setWidths();
freshenTimes();
setInterval(() => { if (!document.hidden) freshenTimes(); }, TIMES_MS);
