/** The drawer of one object: its partial from the server, focus in and back, stops on a phone. */

import { $, announce, el, freshenTimes, icon, setWidths, t } from "../dom.mjs";

const STOPS = ["half", "full", "low"];

/**
 * Prepare the page's #drawer. The partial `/map/object/{layer}/{id}` may carry `data-lng` and `data-lat`
 * on one element, so that an object opened from a link can be found on the map.
 */
export function startDrawer({ at = "", onClose, onShow }) {
  const query = at ? `?at=${encodeURIComponent(at)}` : "";
  const drawer = $("#drawer");
  const content = el("div", { class: "drawer-content" });
  const grab = el("button", { class: "grab-button only-s", type: "button", "aria-label": t("resize_drawer") }, el("span", { class: "grab" }));
  const shut = el("button", { class: "ib drawer-close", type: "button", "aria-label": t("close_details") }, icon("x"));
  let opener = null, asked = 0;
  drawer.replaceChildren(grab, shut, content);
  drawer.dataset.stop = "half";

  const close = () => {
    if (drawer.hidden) return;
    asked += 1;
    drawer.hidden = true;
    document.documentElement.classList.remove("drawer-open");
    opener?.isConnected && opener.focus({ preventScroll: true });
    opener = null;
    onClose?.();
  };
  const say = (text) => content.replaceChildren(el("div", { class: "empty" }, icon("info", "i-xl"), el("p", { text })));
  const fill = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    content.replaceChildren(template.content);
    globalThis.htmx?.process(content);
    setWidths(content);
    freshenTimes(content);
    // Curves bring a library of their own, which the map alone does not need.
    if ($(".chart", content)) import("../chart.mjs").then(({ drawAll }) => drawAll(content));
    const heading = $("h2, h3", content);
    if (heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      announce(t("selected", { name: heading.textContent.trim() }));
    }
    const place = $("[data-lng][data-lat]", content);
    return place ? [Number(place.dataset.lng), Number(place.dataset.lat)] : null;
  };

  const failure = async (answer) => {
    if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) return (await answer.json()).detail;
    return t(answer.status === 403 ? "object_denied" : answer.status === 404 ? "object_gone" : "object_failed");
  };
  /** Show the partial that `ask` fetches; resolves to the position it names, if any. */
  const showPart = async (ask) => {
    const turn = (asked += 1);
    if (drawer.hidden) opener = document.activeElement;
    drawer.hidden = false;
    document.documentElement.classList.add("drawer-open");
    content.setAttribute("aria-busy", "true");
    content.replaceChildren(...[40, 24, 160, 120].map((height) => { const bone = el("div", { class: "skeleton bone" }); bone.style.height = `${height}px`; return bone; }));
    onShow?.();
    try {
      const answer = await ask();
      if (turn !== asked) return null;
      if (answer.status === 401 || answer.redirected) { location.assign(`/login?next=${encodeURIComponent(location.pathname + location.hash)}`); return null; }
      if (!answer.ok) { const words = await failure(answer); if (turn === asked) say(words); return null; }
      const html = await answer.text();
      return turn === asked ? fill(html) : null;
    } catch {
      if (turn === asked) say(t("object_failed"));
      return null;
    } finally {
      if (turn === asked) content.removeAttribute("aria-busy");
    }
  };

  /** Put a partial that was fetched elsewhere into the drawer; what was asked for before no longer comes. */
  const put = (html) => {
    asked += 1;
    if (drawer.hidden) opener = document.activeElement;
    drawer.hidden = false;
    document.documentElement.classList.add("drawer-open");
    content.removeAttribute("aria-busy");
    onShow?.();
    return fill(html);
  };

  /** Show one object; resolves to its position when the partial names one. */
  const show = (layer, id) => showPart(() => fetch(`/map/object/${layer}/${encodeURIComponent(id)}${query}`, { headers: { "HX-Request": "true" }, credentials: "same-origin" }));

  shut.addEventListener("click", close);
  grab.addEventListener("click", () => { drawer.dataset.stop = STOPS[(STOPS.indexOf(drawer.dataset.stop) + 1) % STOPS.length]; });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !$("dialog[open]") && !event.defaultPrevented) close(); });
  return { show, showPart, put, close, isOpen: () => !drawer.hidden };
}
