/** Going to the map of a past day and back keeps place, layers and selection, which stand in the address's fragment. */

import { $$ } from "../dom.mjs";

/** Let links and forms marked `data-keeps-hash` carry the fragment along. */
export function startAsOf() {
  for (const way of $$("[data-keeps-hash]")) {
    const url = (query) => `${way.getAttribute("href") ?? way.getAttribute("action")}${query}${location.hash}`;
    if (way.tagName === "A") way.addEventListener("click", (event) => { event.preventDefault(); location.assign(url("")); });
    else way.addEventListener("submit", (event) => { event.preventDefault(); location.assign(url(`?${new URLSearchParams(new FormData(way))}`)); });
  }
}
