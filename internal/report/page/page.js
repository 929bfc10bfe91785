"use strict";
// Tables with a filter: their rows are hidden unless they have each of its words.
for (const form of document.querySelectorAll("form.filter")) {
  const table = document.getElementById(form.dataset.for);
  const input = form.querySelector("input"), output = form.querySelector("output");
  const all = table.tBodies[0].rows;
  let texts = null;
  const filter = () => {
    const rows = [...all];
    texts = texts || new Map(rows.map(row => [row, [...row.cells].map(cell => cell.textContent).join("\n").toLowerCase()]));
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !words.every(word => texts.get(row).includes(word));
      if (!row.hidden) shown++;
    }
    output.value = words.length ? shown + " of " + rows.length + " rows" : rows.length + " rows";
  };
  input.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
  output.value = all.length + " rows";
  form.hidden = false;
  [...table.tHead.rows[0].cells].forEach((head, column) => sortBy(table, head, column));
}

// sortBy gives the head of a column a button that sorts the table by it, and again in reverse.
// Numbers are sorted by value if the column has nothing else; empty cells come last.
function sortBy(table, head, column) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const reverse = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", reverse ? "descending" : "ascending");
    const numbers = head.classList.contains("n"), order = new Intl.Collator("en", {numeric: true});
    const keyed = [...table.tBodies[0].rows].map(row => [row.cells[column].textContent, row]);
    keyed.sort(([a], [b]) => {
      if (!a || !b) return !a - !b;
      return (numbers ? a - b : order.compare(a, b)) * (reverse ? -1 : 1);
    });
    const body = table.tBodies[0];
    body.replaceChildren(); // to take one row after the other from its place is slow
    for (const [, row] of keyed) body.append(row);
  });
}

// The matrix is a grid: one cell can have the focus, the arrow keys move it, and a line below says
// all of the cell.
for (const table of document.querySelectorAll("table.matrix")) {
  const section = table.closest("section"), detail = section.querySelector(".detail");
  const heads = table.tHead.rows[0].cells;
  table.setAttribute("role", "grid");
  section.querySelector(".hint").hidden = false;
  let current = null;
  const select = cell => {
    if (current) current.tabIndex = -1;
    current = cell;
    cell.tabIndex = 0;
  };
  const tell = cell => {
    const row = cell.parentNode.cells[0].textContent, column = heads[cell.cellIndex].textContent;
    const says = [cell.classList.contains("s-succeeded") ? "succeeded" : "", cell.textContent, cell.title].filter(Boolean).join(" · ");
    detail.textContent = row + ", " + column + ": " + (says || "no outcome");
    detail.hidden = false;
  };
  table.addEventListener("focusin", event => {
    const cell = event.target.closest("td");
    if (cell) { select(cell); tell(cell); }
  });
  table.addEventListener("click", event => {
    const cell = event.target.closest("td");
    if (cell) { select(cell); cell.focus(); }
  });
  table.addEventListener("keydown", event => {
    const cell = event.target.closest("td");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = cell.parentNode, rows = table.tBodies[0].rows, at = row.sectionRowIndex, last = row.cells.length - 1;
    const to = {
      ArrowLeft: [at, cell.cellIndex - 1], ArrowRight: [at, cell.cellIndex + 1],
      ArrowUp: [at - 1, cell.cellIndex], ArrowDown: [at + 1, cell.cellIndex],
      Home: [at, 1], End: [at, last],
    }[event.key];
    const next = to && to[1] > 0 && rows[to[0]] && rows[to[0]].cells[to[1]];
    if (to) event.preventDefault();
    if (next) { select(next); next.focus(); }
  });
  if (table.tBodies[0].rows.length) select(table.tBodies[0].rows[0].cells[1]);
}
