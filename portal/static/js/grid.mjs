/** Arrow keys in tables of cells: `data-grid` on the table; the links of the cells are reached one from another. */

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function linkAt(row, column) {
  return row?.cells[column]?.querySelector("a[href]") ?? null;
}

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const cell = event.target.closest?.("[data-grid] td, [data-grid] th");
  if (!step || !cell || event.ctrlKey || event.metaKey || event.altKey) return;
  let row = cell.parentElement, column = cell.cellIndex;
  for (let moves = 0; moves < 200; moves += 1) {
    column += step[1];
    if (step[0]) row = step[0] < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!row || column < 0 || column >= row.cells.length) return;
    const link = linkAt(row, column);
    if (!link) continue;
    event.preventDefault();
    link.focus();
    return;
  }
});
