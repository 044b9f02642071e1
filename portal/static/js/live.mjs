/**
 * Live news by Server-Sent Events, one stream for all tabs of this browser.
 *
 *   import { on } from "/static/js/live.mjs";
 *   const stop = on("alarm", ({ id, kind, at }) => …);      // alarm case incident task intake, or "*"
 *   on("state", ({ connected, since }) => …);
 *
 * One tab holds the stream and passes each event on. It is chosen by a Web Lock, or by a heartbeat
 * in local storage where the page is not a secure context (plain http on an intranet). A new holder
 * resumes with the last event id as `?last_event_id=`; the browser itself sends Last-Event-ID. What was
 * committed after the page was made and before it listened comes too: `as_of` tells when it was made.
 */

import { store } from "./dom.mjs";

const KINDS = ["alarm", "case", "incident", "task", "intake"];
const HEARTBEAT_MS = 4000, LEADER_GONE_MS = 75_000, RETRY_MS = 3000, RETRY_MOST_MS = 30_000;
const KEPT = 200;
const me = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
const asOf = document.documentElement.dataset.asOf ?? "0";
const listeners = new Map();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("ranjian-live") : null;
const heard = [];
let source = null, retry = RETRY_MS, state = { connected: null, since: null };

/** Hear one kind of news; returns a function that stops it. */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(listener);
  if (kind === "state" && state.connected !== null) listener(state);
  return () => listeners.get(kind).delete(listener);
}

/** Hear when news may have been missed: what is shown has to be asked anew. */
export function onGap(listener) {
  let lost = false;
  return on("state", ({ connected }) => { if (connected && lost) listener(); lost = !connected; });
}

export const connection = () => state;

function tell(kind, news) {
  for (const listener of [...(listeners.get(kind) ?? []), ...(kind === "state" ? [] : listeners.get("*") ?? [])]) {
    try { listener(news); } catch (problem) { console.error(problem); }
  }
}

function setState(connected) {
  if (state.connected === connected) return;
  state = { connected, since: Date.now() };
  tell("state", state);
  channel?.postMessage({ state });
}

function receive(kind, event) {
  if (event.lastEventId) store.set("live-last-id", event.lastEventId);
  let news;
  try { news = JSON.parse(event.data); } catch { return; }
  heard.push({ kind, news });
  if (heard.length > KEPT) heard.shift();
  tell(kind, news);
  channel?.postMessage({ kind, news });
}

function open() {
  const last = store.get("live-last-id"), asked = new URLSearchParams({ as_of: asOf });
  if (last) asked.set("last_event_id", last);
  source = new EventSource(`/live?${asked}`);
  source.addEventListener("open", () => { retry = RETRY_MS; setState(true); });
  for (const kind of KINDS) source.addEventListener(kind, (event) => receive(kind, event));
  // A stream that lost the thread is like one that was away.
  source.addEventListener("missed", () => { setState(false); setState(true); });
  source.addEventListener("error", () => {
    setState(false);
    if (source.readyState !== EventSource.CLOSED) return;
    // The browser gives up after an HTTP error; ask again, ever more slowly.
    setTimeout(open, retry);
    retry = Math.min(RETRY_MOST_MS, retry * 2);
  });
}

function leadByLock() {
  navigator.locks.request("ranjian-live", () => { open(); return new Promise(() => {}); });
}

function leadByHeartbeat() {
  const leader = () => { try { return JSON.parse(store.get("live-leader") ?? "null"); } catch { return null; } };
  const beat = () => {
    const holder = leader();
    if (holder && holder.id !== me && Date.now() - holder.at < LEADER_GONE_MS) {
      source?.close();
      source = null;
      return;
    }
    store.set("live-leader", JSON.stringify({ id: me, at: Date.now() }));
    if (!source) open();
  };
  beat();
  setInterval(beat, HEARTBEAT_MS);
  addEventListener("storage", (event) => { if (event.key === "live-leader" && event.newValue === null) setTimeout(beat, Math.random() * 200); });
  addEventListener("pagehide", () => { if (leader()?.id === me) { source?.close(); store.remove("live-leader"); } });
}

/** Answer a tab that has just opened: is there a stream, and what came after its page was made? */
function answer(asking) {
  if (!source || state.connected === null) return;
  channel.postMessage({ state });
  for (const each of heard) if (Date.parse(each.news.at) >= asking.asOf) channel.postMessage({ ...each, to: asking.from });
}

channel?.addEventListener("message", ({ data }) => {
  if (data.ask) { answer(data); return; }
  if (data.to && data.to !== me) return;
  if (data.kind) tell(data.kind, data.news);
  else if (data.state && !source) { state = data.state; tell("state", state); }
});

if ("signedIn" in document.documentElement.dataset) {
  if (navigator.locks && channel) leadByLock();
  else if (channel) leadByHeartbeat();
  else open();
  channel?.postMessage({ ask: "state", from: me, asOf: Number(asOf) });
}
