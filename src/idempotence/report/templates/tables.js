// Tables: a heading sorts by its column; words and lists above a table choose its rows.
// Without it the page shows every row in its first order.
const LAST = Symbol("missing");

// What a cell is ordered by: a number, a text, or nothing ("–", last in either direction).
function value(row, column, numeric) {
  const text = row.cells[column].textContent;
  if (text === "–") return LAST;
  return numeric ? parseFloat(text.replace("< ", "")) : text;
}

function compare(a, b, down) {
  if (a === LAST || b === LAST) return (a === LAST) - (b === LAST);
  const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
  return down ? -order : order;
}

// A heading's button goes through ascending, descending and the first order.
function sortable(table, rows) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = make("button", { type: "button" }, heading.textContent);
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[heading.ariaSort];
      const direction = next === undefined ? "ascending" : next;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction) heading.setAttribute("aria-sort", direction);
      const keyed = rows.map((row) => [value(row, column, heading.classList.contains("number")), row]);
      if (direction) keyed.sort((a, b) => compare(a[0], b[0], direction === "descending"));
      table.tBodies[0].append(...keyed.map(([, row]) => row));
    });
  });
}

// Lists for the columns that the page names, and a field for words that a row must hold.
function filterable(section, table, rows) {
  const count = section.querySelector(".count");
  const bar = make("div", { class: "choice", role: "search", "aria-label": `Rows of ${section.querySelector("h2").textContent}` });
  const chosen = new Map();
  const field = make("input", { type: "search", autocomplete: "off" });

  function show() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word))
        && [...chosen].every(([column, wanted]) => row.cells[column].textContent === wanted);
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} rows shown. `;
  }

  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (!("choice" in heading.dataset)) return;
    const values = [...new Set(rows.map((row) => row.cells[column].textContent))];
    const { select, label } = dropDown(heading.textContent, (wanted) => {
      if (select.selectedIndex) chosen.set(column, wanted);
      else chosen.delete(column);
      show();
    });
    fill(select, ["all", ...values], "all");
    bar.append(label);
  });
  field.addEventListener("input", show);
  bar.append(make("label", {}, "rows with the words", field));
  section.querySelector(".scroll").before(bar);
}

for (const section of document.querySelectorAll("section")) {
  const table = section.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 2) continue;
  filterable(section, table, rows);
  sortable(table, rows);
}
