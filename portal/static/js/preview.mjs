/** Enlarge a drawing: `data-zoom` on an SVG; buttons `data-zoom-by`, the wheel with Ctrl, dragging, arrow keys, + and -. */

const CLOSEST = 400, STEP = 1.5;

function install(svg) {
  const whole = svg.viewBox.baseVal, full = { width: whole.width, height: whole.height };
  let view = { x: 0, y: 0, width: full.width, height: full.height };

  const show = (next) => {
    const width = Math.min(full.width, Math.max(full.width / CLOSEST, next.width));
    const height = (width * full.height) / full.width;
    view = {
      x: Math.min(full.width - width, Math.max(0, next.x)),
      y: Math.min(full.height - height, Math.max(0, next.y)),
      width, height,
    };
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  };

  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  const zoom = (factor, [left, top] = [0.5, 0.5]) => {
    const width = view.width / factor, height = view.height / factor;
    show({ x: view.x + (view.width - width) * left, y: view.y + (view.height - height) * top, width });
  };

  const move = (right, down) => show({ ...view, x: view.x + right * view.width, y: view.y + down * view.height });

  svg.parentElement.querySelectorAll("[data-zoom-by]").forEach((button) => {
    button.addEventListener("click", () => {
      const factor = Number(button.dataset.zoomBy);
      if (factor) zoom(factor);
      else show({ x: 0, y: 0, width: full.width });
    });
  });

  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== svg) return; // the page scrolls
    event.preventDefault();
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, place(event));
  }, { passive: false });

  let held = null;
  svg.addEventListener("pointerdown", (event) => {
    held = place(event);
    svg.setPointerCapture(event.pointerId);
    svg.focus({ preventScroll: true });
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const now = place(event);
    move(held[0] - now[0], held[1] - now[1]);
    held = now;
  });
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { held = null; });

  const KEYS = {
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: () => show({ x: 0, y: 0, width: full.width }),
    ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
  };
  svg.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

document.querySelectorAll("svg[data-zoom]").forEach(install);
