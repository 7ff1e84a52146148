(() => {
  "use strict";
  const AT_FIRST = 100; // rows that are drawn until all are asked for: thousands would take a browser seconds
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const tables = [...document.querySelectorAll("table.sortable")];

  // data-v is a cell's number; where it is empty nothing is known, and the row stays last.
  const value = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v === undefined) return cell.textContent.trim();
    return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  };

  const prepare = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const label = document.querySelector(`label[data-table="${table.id}"]`);
    const more = document.createElement("button");
    let rows = [...table.tBodies[0].rows];
    let texts = null;
    let found = rows;
    let all = false;

    const show = () => {
      const shown = new Set(all ? found : found.slice(0, AT_FIRST));
      for (const row of rows) row.hidden = !shown.has(row);
      more.hidden = shown.size === found.length;
      more.textContent = `Show all ${found.length.toLocaleString("en")} rows`;
    };

    const sort = (column) => {
      const down = heads[column].getAttribute("aria-sort") === "ascending";
      heads.forEach((head) => head.removeAttribute("aria-sort"));
      heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((row) => [value(row, column), row]);
      keyed.sort(([one], [other]) => {
        if (one === null || other === null) return (one === null) - (other === null);
        const order = typeof one === "number" ? one - other : compare(one, other);
        return down ? -order : order;
      });
      rows = keyed.map(([, row]) => row);
      table.tBodies[0].append(...rows);
      const kept = new Set(found);
      found = rows.filter((row) => kept.has(row));
      show();
    };

    const search = () => {
      const words = label.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
      texts = texts || new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
      found = rows.filter((row) => words.every((word) => texts.get(row).includes(word)));
      label.querySelector("output").textContent = words.length ? `${found.length} of ${rows.length}` : "";
      show();
    };

    heads.forEach((head, column) => {
      if (head.tagName !== "TH") return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(column));
      head.append(button);
    });
    if (label) {
      label.querySelector("input").addEventListener("input", search);
      label.hidden = false;
    }
    more.type = "button";
    more.className = "more";
    more.addEventListener("click", () => { all = true; show(); });
    table.after(more);
    show();
    return (everything) => {
      if (everything) found.forEach((row) => { row.hidden = false; });
      else show();
    };
  };

  const showers = tables.map(prepare);

  // Paper has nothing to unfold.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    unfolded.forEach((one) => { one.open = true; });
    showers.forEach((show) => show(true));
  });
  addEventListener("afterprint", () => {
    unfolded.forEach((one) => { one.open = false; });
    showers.forEach((show) => show(false));
  });
  document.documentElement.dataset.ready = "yes";
})();
