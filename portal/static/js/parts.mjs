/**
 * Parts of a page that follow the news: `data-live` names the kind, `data-live-wait` how long to gather (ms).
 * Somebody who is choosing or writing in a part keeps it as it is.
 */

import { $$, freshenTimes, setWidths } from "./dom.mjs";
import { on } from "./live.mjs";

const GATHER_MS = 300;
const writes = "input:not([type=checkbox], [type=radio]), textarea";

function inUse(part) {
  if (document.activeElement?.matches(writes) && part.contains(document.activeElement)) return true;
  return $$("input:not([type=hidden]), textarea", part).some((each) => each.checked !== each.defaultChecked || each.value !== each.defaultValue);
}

async function refresh(kind) {
  const parts = () => $$(`[data-live="${kind}"]`);
  if (parts().some(inUse)) return;
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The answer took its time: somebody may have begun to write meanwhile.
  if (parts().some(inUse)) return;
  for (const part of parts()) {
    const next = fresh.getElementById(part.id);
    if (next) part.replaceWith(next);
  }
  for (const part of parts()) { setWidths(part); freshenTimes(part); }
}

/** Begin to follow the news for every part of this page. */
export function startParts() {
  const waits = new Map();
  for (const part of $$("[data-live]")) {
    waits.set(part.dataset.live, Number(part.dataset.liveWait) || GATHER_MS);
  }
  for (const [kind, wait] of waits) {
    let waiting = null;
    on(kind, () => {
      waiting ??= setTimeout(() => { waiting = null; refresh(kind).catch(() => {}); }, wait);
    });
  }
}
