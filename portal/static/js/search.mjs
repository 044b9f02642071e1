/** The global search box: Ctrl-K, and suggestions walked with the arrow keys. */

import { $, $$ } from "./dom.mjs";

/** Attach to the box in the top bar when the page has one. */
export function startSearch() {
  const input = $("#q"), list = $("#suggest");
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k" || !input) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
  if (!input) return;
  let at = -1;
  const options = () => $$("a", list);
  const close = () => { list.replaceChildren(); mark(-1); };
  const mark = (index) => {
    at = index;
    options().forEach((option, n) => option.setAttribute("aria-selected", String(n === index)));
    const chosen = options()[index];
    if (chosen) { input.setAttribute("aria-activedescendant", chosen.id); chosen.scrollIntoView({ block: "nearest" }); } else input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-expanded", String(options().length > 0));
  };
  list.addEventListener("htmx:afterSwap", () => {
    options().forEach((option, n) => { option.id ||= `suggest-${n}`; option.setAttribute("role", "option"); option.tabIndex = -1; });
    mark(-1);
  });
  input.addEventListener("keydown", (event) => {
    const many = options().length;
    if (event.key === "Escape") { close(); return; }
    if (event.key === "Enter" && at >= 0) { event.preventDefault(); options()[at].click(); return; }
    if (!many || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    mark((at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + many) % many);
  });
  input.addEventListener("input", () => { if (!input.value.trim()) close(); });
  document.addEventListener("click", (event) => { if (!event.target.closest("#search")) close(); });
}
