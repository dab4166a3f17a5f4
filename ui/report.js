// Sorting: a click on a head orders its table by that column, a second one turns it round. No request, no storage.
"use strict";
for (const table of document.querySelectorAll("table.mt-table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const listed = [...body.rows];
  if (listed.length < 2 || listed.some((row) => row.cells.length !== heads.length && !row.classList.contains("mt-quiet"))) continue;
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    const title = head.firstChild;
    button.append(title);
    head.prepend(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const shown = (row) => row.cells[at]?.querySelector(".mt-main")?.textContent.trim() ?? "";
      const rows = listed.map((row) => ({ row, text: shown(row), value: parseFloat(shown(row).replaceAll(",", "")) }));
      const numbers = rows.some((one) => !Number.isNaN(one.value)) && head.classList.contains("mt-right") || at === 0 && rows.some((one) => /^\d/.test(one.text));
      rows.sort((one, other) => {
        if (!numbers) return (up ? 1 : -1) * one.text.localeCompare(other.text, "en");
        const [a, b] = [one.value, other.value];
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b); // unknown stays last
        return (up ? 1 : -1) * (a - b);
      });
      for (const { row } of rows) { row.classList.remove("mt-parted"); body.append(row); }
    });
  });
}
