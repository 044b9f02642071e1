/** What a browser can draw, and what the map says when something is missing. */

import { $, el, icon, t } from "../dom.mjs";

const SOFTWARE = /swiftshader|llvmpipe|basic render|software/i;

/** Show a notice over the map, once a key. */
export function notice(key, sign = "info", more = null) {
  const box = $("#map-notices");
  if ($(`[data-key="${key}"]`, box)) return;
  const close = el("button", { class: "ib", type: "button", "aria-label": t("close"), dataset: { dismiss: "" } }, icon("x", "i-s"));
  box.append(el("div", { class: "notice notice-warn map-notice", role: "status", dataset: { key } }, icon(sign), el("div", {}, t(key), more), close));
}

/** What this browser's graphics can do: "none", "software" or "gpu". */
export function graphics() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return "none";
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return SOFTWARE.test(name) ? "software" : "gpu";
}

/** Say that the map cannot be drawn, and lead to the lists. */
export function refuse(options) {
  const links = options.layers.filter((layer) => layer.list).map((layer) => el("li", {}, el("a", { href: layer.list, text: layer.label })));
  $(`#${options.container}`).append(el("div", { class: "empty map-refused" }, icon("triangle-alert", "i-xl"), el("b", { text: t("webgl_missing") }), el("p", { text: t("webgl_missing_hint") }), el("ul", {}, ...links)));
  for (const part of document.querySelectorAll(".map-ui")) part.hidden = true;
  document.documentElement.dataset.mapReady = "0";
}
