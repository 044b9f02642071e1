/** The layer panel: how pipes are coloured, the legend with lengths, and the tree of layers with counts. */

import { $, $$, el, formatNumber, icon, t, token } from "../dom.mjs";
import { PARTS } from "./style.mjs";

/** Rows of the tree in the order given, the flow arrows following the pipes where they can be shown. */
export function treeRows(layers, lite) {
  const rows = layers.filter((layer) => PARTS[layer.name]);
  const at = rows.findIndex((row) => row.name === "pipe");
  if (at < 0 || lite || rows.some((row) => row.name === "flow")) return rows;
  const flow = { name: "flow", label: t("flow_direction"), group: rows[at].group, visible: true, minzoom: 13.5 };
  return rows.toSpliced ? rows.toSpliced(at + 1, 0, flow) : [...rows.slice(0, at + 1), flow, ...rows.slice(at + 1)];
}

const km = (length) => `${formatNumber(length, length < 100 ? 1 : 0)} km`;

/** Build the panel; `change` hears ("layer", name, shown) and ("colouring", key). `themes` are those of startMap. */
export function startPanel({ layers, themes, shown, colouring, change }) {
  const tree = $("#map-tree"), legend = $("#map-legend"), buttons = $$("#map-colouring [role=radio]");
  let counts = null, current = colouring;

  const drawLegend = () => {
    const { rows } = themes.find((each) => each.key === current), lengths = counts?.km?.[current];
    const line = (sign, label, length, extra = {}) => el("li", extra, sign, el("span", { class: "ell", text: label, title: label }), el("b", { class: "num", text: length === undefined ? "" : km(length) }));
    const lines = rows.map((row, index) => {
      const swatch = el("i");
      swatch.style.background = token(row.token);
      return line(swatch, row.label, lengths?.[index]);
    });
    const whole = lengths?.reduce((sum, length) => sum + length, 0);
    legend.replaceChildren(...lines, line(null, t("legend_total"), whole, { class: "total" }));
  };
  const choose = (key) => {
    current = key;
    for (const button of buttons) {
      const chosen = button.dataset.colouring === key;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    drawLegend();
  };
  const drawTree = () => {
    const nodes = [];
    let group = null;
    for (const row of layers) {
      if (row.group !== group) nodes.push(el("li", { class: "group", text: row.group ?? "" }));
      group = row.group;
      const box = el("input", { type: "checkbox", on: { change: () => change("layer", row.name, box.checked) } });
      box.checked = shown.has(row.name);
      const count = counts?.layers?.[row.name] ?? row.count;
      nodes.push(el("li", { dataset: { layer: row.name, minzoom: row.minzoom ?? 0 } },
        el("label", {}, box, el("span", { class: "ell", text: row.label })),
        el("b", { class: "num", text: count === undefined || count === null ? "" : formatNumber(count) }),
        row.list ? el("a", { class: "ib", href: row.list, title: t("show_as_list"), "aria-label": `${row.label}: ${t("show_as_list")}` }, icon("list", "i-s")) : null));
    }
    tree.replaceChildren(...nodes);
  };
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => { choose(button.dataset.colouring); change("colouring", current); });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = buttons[(index + step + buttons.length) % buttons.length];
      next.focus();
      next.click();
    });
  });
  const panel = $("#map-layers"), toggle = $("#map-layers-toggle");
  const paintToggle = () => toggle.setAttribute("aria-expanded", String(!panel.classList.contains("closed")));
  if (matchMedia("(max-width: 760px)").matches) panel.classList.add("closed");
  toggle.addEventListener("click", () => { panel.classList.toggle("closed"); paintToggle(); change("panel"); });
  paintToggle();
  drawTree();
  choose(current);

  return {
    setCounts(value) {
      counts = value;
      drawLegend();
      for (const item of $$("li[data-layer]", tree)) {
        const count = counts.layers?.[item.dataset.layer];
        if (count !== undefined) $("b", item).textContent = formatNumber(count);
      }
    },
    setZoom(zoom) {
      for (const item of $$("li[data-layer]", tree)) {
        const far = zoom < Number(item.dataset.minzoom);
        item.classList.toggle("far", far);
        item.title = far ? t("zoom_in_to_see") : "";
      }
    },
    repaint: drawLegend,
    choose(key) { choose(key); change("colouring", key); },
    isOpen: () => !panel.classList.contains("closed"),
  };
}
