/**
 * Parts of a page that follow the news: `data-live` names the kind, `data-live-wait` how long to gather (ms).
 * Somebody who is choosing or writing in a part keeps it as it is.
 */

import { $$, freshenTimes, setWidths } from "./dom.mjs";
import { on, onGap } from "./live.mjs";

const GATHER_MS = 300, AGAIN_MS = 5000;
const writes = "input:not([type=checkbox], [type=radio]), textarea";

function inUse(part) {
  if (document.activeElement?.matches(writes) && part.contains(document.activeElement)) return true;
  return $$("input:not([type=hidden]), textarea", part).some((each) => each.checked !== each.defaultChecked || each.value !== each.defaultValue);
}

/** Renew the parts of a kind; returns false when it must be tried again. */
export async function refresh(kind) {
  const parts = () => $$(`[data-live="${kind}"]`);
  if (parts().some(inUse)) return false;
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok) return answer.status < 500;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The answer took its time: somebody may have begun to write meanwhile.
  if (parts().some(inUse)) return false;
  for (const part of parts()) {
    const next = fresh.getElementById(part.id);
    if (next) part.replaceWith(next);
  }
  for (const part of parts()) { setWidths(part); freshenTimes(part); }
  return true;
}

/** Begin to follow the news for every part of this page. */
export function startParts() {
  const waits = new Map();
  for (const part of $$("[data-live]")) {
    waits.set(part.dataset.live, Number(part.dataset.liveWait) || GATHER_MS);
  }
  for (const [kind, wait] of waits) {
    let waiting = null;
    const soon = (ms) => {
      waiting ??= setTimeout(async () => {
        waiting = null;
        if (!await refresh(kind).catch(() => false)) soon(AGAIN_MS);
      }, ms);
    };
    on(kind, () => soon(wait));
    onGap(() => soon(wait));
  }
}
