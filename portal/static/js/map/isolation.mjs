/**
 * Questions to the network on the map: shut-off plans, traces and pressure zones, drawn over the pipes and told in
 * the drawer. Buttons carry `data-net` (isolate, trace, zone) with `data-at="layer:id"`; the question stands in the
 * page's address (`?net=isolate&at=pipe:12&stuck=7&plan=2`), so that a link shows the same.
 */

import { $, $$, announce, t, toast, token } from "../dom.mjs";
import { LOCAL_FONT } from "./style.mjs";

const SOURCE = "net", KEYS = ["net", "at", "stuck", "plan", "way"];
const PLACES = new Set(["pipe", "valve", "regulator", "station", "user"]);
const NOTHING = { type: "FeatureCollection", features: [] };
const MARKS = ["net-valve", "net-stuck"], FAR_ZOOM = 16;

/** The question of the page's address, or null. */
export function questionOf(search) {
  const given = new URLSearchParams(search), kind = given.get("net"), at = (given.get("at") ?? "").split(",").filter((each) => /^[a-z]+:\d{1,18}$/.test(each));
  if (!["isolate", "trace", "zone"].includes(kind) || !at.length) return null;
  const stuck = (given.get("stuck") ?? "").split(",").filter((each) => /^\d{1,18}$/.test(each));
  const plan = /^[1-5]$/.test(given.get("plan") ?? "") ? given.get("plan") : null;
  return { kind, at, stuck, plan, way: ["up", "down", "sources"].includes(given.get("way")) ? given.get("way") : "up" };
}

/** The same question as arguments of an address. */
export function argsOf({ kind, at, stuck = [], plan = null, way = null }) {
  const args = new URLSearchParams({ at: at.join(",") });
  if (kind === "isolate" && stuck.length) args.set("stuck", stuck.join(","));
  if (kind === "isolate" && plan) args.set("plan", plan);
  if (kind === "trace") args.set("way", way);
  return args;
}

const addressOf = (question) => `/network/${{ isolate: "isolation", trace: "trace", zone: "zone" }[question.kind]}/panel?${argsOf(question).toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;

function remember(question) {
  const query = new URLSearchParams(location.search);
  for (const key of KEYS) query.delete(key);
  if (question) {
    query.set("net", question.kind);
    for (const [key, value] of argsOf(question)) query.set(key, value);
  }
  const words = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history.replaceState(history.state, "", `${location.pathname}${words ? `?${words}` : ""}${location.hash}`);
}

function layersOf() {
  const part = (name) => ["==", ["get", "part"], name], round = { "line-cap": "round", "line-join": "round" };
  const width = (extra) => ["interpolate", ["linear"], ["zoom"], 10, 2 + extra, 15, 4 + extra, 18, 8 + extra];
  const line = (id, name, colour, extra) => ({ id, type: "line", source: SOURCE, filter: part(name), layout: round, paint: { "line-color": colour, "line-width": width(extra) } });
  const disc = (id, name, radius, colour) => ({ id, type: "circle", source: SOURCE, filter: part(name), paint: { "circle-radius": radius, "circle-color": colour, "circle-stroke-color": token("--m-halo"), "circle-stroke-width": 2 } });
  const sign = (id, name, words, size) => ({ id, type: "symbol", source: SOURCE, filter: part(name), layout: { "text-field": words, "text-font": LOCAL_FONT.split(",").map((each) => each.trim().replaceAll('"', "")), "text-size": size, "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": "#ffffff" } });
  const blue = "#1759d1", grey = "#4d5c72";
  return [
    { id: "net-wash", type: "fill", source: SOURCE, filter: part("wash"), paint: { "fill-color": token("--r2"), "fill-opacity": 0.2 } },
    line("net-lost-case", "lost", token("--m-halo"), 4), line("net-lost", "lost", token("--r2"), 0),
    line("net-segment-case", "segment", token("--m-halo"), 6), line("net-segment", "segment", token("--r1"), 2),
    line("net-traced-case", "traced", token("--m-halo"), 5), line("net-traced", "traced", token("--accent"), 1),
    disc("net-user", "user", 6, "#8e3fd6"), disc("net-shut", "shut", 6, grey), disc("net-source", "source", 10, "#0b7a55"),
    disc("net-stuck", "stuck", 12, grey), sign("net-stuck-sign", "stuck", "×", 18),
    disc("net-valve", "valve", 13, blue), sign("net-valve-sign", "valve", ["to-string", ["get", "order"]], 13),
  ];
}

/** Start it on a map whose drawer can be filled (`put`); `lite` leaves movements out. */
export function startNetwork(map, { drawer, lite }) {
  const hint = $("#net-hint");
  let question = null, shown = NOTHING, turn = 0, adding = false;

  const restore = () => {
    if (!question || !map.getStyle()) return;
    if (!map.getSource(SOURCE)) map.addSource(SOURCE, { type: "geojson", data: shown });
    else map.getSource(SOURCE).setData(shown);
    for (const layer of layersOf()) if (!map.getLayer(layer.id)) map.addLayer(layer);
  };
  const wipe = () => {
    for (const { id } of layersOf()) if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(SOURCE)) map.removeSource(SOURCE);
  };
  const clear = () => {
    turn += 1;
    if (!question) return;
    question = null;
    shown = NOTHING;
    add(false);
    wipe();
    remember(null);
  };
  const add = (value) => {
    adding = value;
    if (!hint) return;
    hint.hidden = !value;
    $("span", hint).textContent = value ? t("net_add") : "";
  };
  const show = (box) => {
    if (!box) return;
    map.fitBounds(box, { padding: 30, maxZoom: FAR_ZOOM, duration: lite ? 0 : 500 });
  };
  const busy = (value) => {
    const panel = $("#drawer .drawer-content");
    panel?.toggleAttribute("aria-busy", value);
    $("#drawer .net-working")?.remove();
    if (value && panel) { const bar = document.createElement("div"); bar.className = "net-working"; $("#drawer").append(bar); }
  };

  /** Ask, and show plan, trace or zone; `move` brings all of it into view. */
  const ask = async (wanted, { move = true, said = null } = {}) => {
    const mine = (turn += 1);
    add(false);
    announce(t("net_working"));
    busy(true);
    try {
      const answer = await fetch(addressOf(wanted), { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (mine !== turn) return false;
      if (answer.status === 401) { location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`); return false; }
      const told = await answer.json().catch(() => ({}));
      if (mine !== turn) return false;
      if (!answer.ok) { toast(told.detail || told.title || t("net_failed"), { kind: "warning" }); return false; }
      question = wanted;
      shown = told.geo;
      remember(question);
      drawer.put(told.html);
      restore();
      if (move) show(told.box);
      const valves = told.geo.features.filter((each) => each.properties.part === "valve").length;
      if (said) announce(said);
      else if (wanted.kind === "isolate") announce(t("net_done", { valves, users: $("#drawer [data-net-users]")?.dataset.netUsers ?? "" }));
      document.documentElement.dataset.netReady = `${wanted.kind}:${mine}`;
      return true;
    } catch {
      if (mine === turn) toast(t("net_failed"), { kind: "error" });
      return false;
    } finally {
      if (mine === turn) busy(false);
    }
  };
  const codeOf = (id) => shown.features.find((each) => ["valve", "stuck"].includes(each.properties.part) && String(each.properties.id) === id)?.properties.code ?? "";
  const stick = (id) => ask({ ...question, stuck: [...new Set([...question.stuck, id])], plan: null }, { said: t("net_stuck", { code: codeOf(id) }) });
  const free = (id) => ask({ ...question, stuck: question.stuck.filter((each) => each !== id), plan: null }, { said: t("net_freed", { code: codeOf(id) }) });

  const acts = {
    net: (button) => ask({ kind: button.dataset.net, at: [button.dataset.at], stuck: [], plan: null, way: button.dataset.way ?? null }),
    netStuck: (button) => stick(button.dataset.netStuck),
    netFree: (button) => free(button.dataset.netFree),
    netPlan: (button) => ask({ ...question, plan: button.dataset.netPlan }, { move: false }),
    netAdd: () => add(true),
    netDrop: (button) => ask({ ...question, at: question.at.filter((each) => each !== button.dataset.netDrop), plan: null }),
    netFly: (button) => map.easeTo({ center: button.dataset.netFly.split(",").map(Number), zoom: Math.max(map.getZoom(), FAR_ZOOM), duration: lite ? 0 : 500 }),
  };
  const box = $("#drawer");
  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const act = button && Object.keys(acts).find((name) => name in button.dataset);
    if (act) acts[act](button);
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key], here = event.target.closest?.("[data-net-plan]");
    if (!step || !here) return;
    event.preventDefault();
    const all = $$("[data-net-plan]", box), next = all[(all.indexOf(here) + step + all.length) % all.length];
    ask({ ...question, plan: next.dataset.netPlan }, { move: false }).then(() => $(`[data-net-plan="${next.dataset.netPlan}"]`, box)?.focus());
  });
  // The plan lives as long as its panel: another object in the drawer, or a closed drawer, ends it.
  new MutationObserver(() => { if (question && (box.hidden || !$("[data-net-panel]", box)) && !box.querySelector("[aria-busy]")) clear(); }).observe(box, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden", "aria-busy"] });

  // Registered before the map's own click: a mark of the plan or a second place is taken here.
  map.on("click", (event) => {
    if (!question) return;
    const marks = MARKS.filter((id) => map.getLayer(id));
    const mark = question.kind === "isolate" && marks.length ? map.queryRenderedFeatures(event.point, { layers: marks })[0] : null;
    if (mark) {
      event.preventDefault();
      const id = String(mark.properties.id);
      if (mark.properties.part === "stuck") free(id);
      else stick(id);
      return;
    }
    if (!adding) return;
    event.preventDefault();
    const near = [[event.point.x - 6, event.point.y - 6], [event.point.x + 6, event.point.y + 6]];
    const found = map.queryRenderedFeatures(near).find((each) => PLACES.has(each.source) && each.properties.n === undefined);
    const id = found && (found.id ?? found.properties.id);
    if (id) ask({ ...question, at: [...new Set([...question.at, `${found.source}:${id}`])], plan: null });
  });
  addEventListener("keydown", (event) => { if (adding && event.key === "Escape") { event.preventDefault(); event.stopImmediatePropagation(); add(false); } }, true);
  if (hint) $("button", hint).addEventListener("click", () => add(false));
  map.on("style.load", restore);
  const begun = questionOf(location.search), move = !/[#&]c=/.test(location.hash);
  if (begun) map.once("load", () => ask(begun, { move }));
  return { ask, clear };
}
