/**
 * The alarm desk: rows by keyboard (j, k, a, s, x, Esc), the chosen alarm beside the list, steps without leaving it.
 *
 * Every form of the panel works without this module; with it the answer comes as JSON and the panel is shown anew.
 * What another one did first is told in his words: who, and when.
 */

import { $, $$, announce, el, freshenTimes, icon, setWidths, t, toast } from "./dom.mjs";
import { drawAll } from "./chart.mjs";
import { on } from "./live.mjs";
import { refresh } from "./parts.mjs";

const desk = $("#desk"), panel = $("#desk-panel"), batch = $("[data-batch]");
const typing = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
let chosen = null, asked = 0;

const rows = () => $$("tr[data-row]", desk);
const rowOf = (id) => $(`tr[data-row="${id}"]`, desk);

function mark() {
  for (const row of rows()) row.toggleAttribute("data-chosen", row.dataset.row === chosen);
}

async function show(id, { focus = false } = {}) {
  chosen = String(id);
  mark();
  rowOf(id)?.scrollIntoView({ block: "nearest" });
  const turn = ++asked;
  const answer = await fetch(`/operation/alarms/${id}/panel`, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (turn !== asked) return;
  if (!answer?.ok || answer.redirected) { toast(t("desk_failed"), { kind: "error" }); return; }
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  if (turn !== asked) return;
  panel.replaceChildren(fresh.content);
  const shut = el("button", { class: "ib desk-shut", type: "button", "aria-label": t("desk_close_panel"), on: { click: close } }, icon("x"));
  $(".desk-head", panel)?.append(shut);
  panel.hidden = false;
  desk.classList.add("with-panel");
  setWidths(panel);
  freshenTimes(panel);
  drawAll(panel);
  if (focus) $(".desk-head h2", panel)?.focus();
}

function close() {
  asked += 1;
  panel.hidden = true;
  panel.replaceChildren();
  desk.classList.remove("with-panel");
  const row = chosen && rowOf(chosen);
  chosen = null;
  mark();
  $("a", row || document.createElement("i"))?.focus();
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.dataset.row === chosen);
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  show(next.dataset.row);
  $("a", next)?.focus({ preventScroll: true });
}

/** Send a form and return the answer: { ok, status, body }. */
async function send(form, submitter) {
  if (submitter) submitter.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new FormData(form), credentials: "same-origin", headers: { Accept: "application/json" },
    });
    const kind = answer.headers.get("Content-Type") ?? "";
    return { ok: answer.ok, status: answer.status, body: kind.includes("json") ? await answer.json() : {} };
  } catch {
    return { ok: false, status: 0, body: {} };
  } finally {
    submitter?.removeAttribute("aria-busy");
  }
}

async function takeStep(form, submitter) {
  const id = chosen, { ok, status, body } = await send(form, submitter);
  const words = ok ? body.said : body.detail || body.title || t("desk_failed");
  toast(words, { kind: ok ? "success" : status === 409 ? "warning" : "error" });
  announce(words);
  // Refused because somebody was first: what he did is shown at once.
  if (!ok && status !== 409) return;
  if (id) show(id, { focus: true });
  // What one has just done is seen at once, without waiting for its news to come round.
  await refresh("alarm").catch(() => false);
}

async function takeBatch(submitter) {
  const { ok, body } = await send(batch, submitter), box = $("#batch-answer");
  const refused = body.refused ?? [];
  box.hidden = false;
  box.replaceChildren(
    el("div", { class: `notice notice-${ok ? (refused.length ? "warn" : "ok") : "bad"}`, role: "status" }, el("div", {},
      ok ? body.said : body.detail || t("desk_failed"),
      refused.length > 0 && el("ul", {}, el("b", { text: t("desk_refused") }), ...refused.map((each) => el("li", {}, `#${each.id}: ${each.why}`))))),
  );
  if (!ok) return;
  // Only what was chosen is forgotten, so that the list may follow the news again.
  for (const choice of $$("input[name=id]", batch)) choice.checked = false;
  $("#batch-note").value = "";
  await refresh("alarm").catch(() => false);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.matches("[data-desk]") && panel.contains(form)) { event.preventDefault(); takeStep(form, event.submitter); }
  if (form === batch) { event.preventDefault(); takeBatch(event.submitter); }
}, true);

desk.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-row]");
  if (!row || event.target.closest("input, button, a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(row.dataset.row);
});

function openHold() {
  const fold = $("#do-hold", panel);
  if (!fold) return;
  fold.open = true;
  fold.scrollIntoView({ block: "center" });
  $("#hold-reason", fold)?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  a: () => { $("#do-acknowledge", panel)?.scrollIntoView({ block: "nearest" }); $("#ack-note", panel)?.focus(); },
  s: openHold,
  x: () => { const box = chosen && $("input[name=id]", rowOf(chosen) || document); if (box) box.checked = !box.checked; },
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !panel.hidden && !$("dialog[open]")) { close(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// The list is renewed as a whole; the chosen row is marked again.
new MutationObserver(() => { if (chosen) mark(); }).observe(batch, { childList: true });
on("alarm", ({ id }) => {
  const writing = $$("textarea, input[type=file]", panel).some((box) => box.value || box === document.activeElement);
  if (String(id) === chosen && !writing) show(id);
});
