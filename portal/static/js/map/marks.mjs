/** Bookmarks: states of the map that the person keeps under a name, on the server. */

import { $, announce, el, getJson, icon, t, toast } from "../dom.mjs";

const csrf = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";

async function send(url, body = {}) {
  const answer = await fetch(url, {
    method: "POST", credentials: "same-origin", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf() },
  });
  if (answer.ok) return answer.json();
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.detail || t("marks_failed"));
}

/** Attach to the button and the panel; `state` gives the present state as a fragment. */
export function startMarks({ state }) {
  const button = $("#map-marks"), panel = $("#map-marks-panel"), list = $("#map-marks-list"), form = $("#map-marks-form");
  const draw = (marks) => {
    const rows = marks.map((mark) => el("li", {},
      el("a", { class: "row-link ell", href: `/map#${mark.state}`, text: mark.name }),
      el("button", { class: "ib", type: "button", "aria-label": t("mark_remove", { name: mark.name }), on: { click: () => remove(mark) } }, icon("trash-2", "i-s"))));
    list.replaceChildren(...(rows.length ? rows : [el("li", { class: "muted fs13 pad", text: t("marks_none") })]));
  };
  const fail = (error) => toast(error.message || t("marks_failed"), { kind: "error" });
  const remove = (mark) => send(`/map/bookmarks/${mark.id}/remove`).then((answer) => draw(answer.bookmarks)).catch(fail);
  const open = (wanted) => {
    panel.hidden = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    if (!wanted) { button.focus(); return; }
    getJson("/map/bookmarks").then((answer) => draw(answer.bookmarks)).catch(() => fail(new Error(t("marks_failed"))));
    $("input", form).focus();
  };
  button.addEventListener("click", () => open(panel.hidden));
  $("[data-close-marks]", panel).addEventListener("click", () => open(false));
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); open(false); } });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = $("input", form), name = field.value.trim();
    send("/map/bookmarks", { name, state: state() }).then((answer) => {
      draw(answer.bookmarks);
      field.value = "";
      announce(t("mark_kept", { name }));
    }).catch(fail);
  });
}
