/**
 * A page about one thing that follows it: `reloadOn("alarm", 12)` loads the page again when that alarm changes.
 * Somebody who is writing keeps what he wrote, and a step that is being sent is not lost to a reload.
 */

import { $$ } from "./dom.mjs";
import { on, onGap } from "./live.mjs";

const writing = () => $$("main textarea, main input[type=file]").some((box) => box.value || (box === document.activeElement && box.matches("textarea")));

export function reloadOn(kind, number) {
  let sending = false, waiting = false;
  addEventListener("submit", (event) => { sending ||= !event.defaultPrevented; });
  const load = () => { if (!sending && !writing()) location.reload(); else waiting = true; };
  on(kind, ({ id }) => { if (Number(id) === number) load(); });
  onGap(load);
  // What came while somebody wrote is shown once he has emptied the field again.
  addEventListener("focusout", () => { if (waiting && !sending && !writing()) location.reload(); });
}
