/* One entry of a gradient, clicked in the table, is expanded down to the inputs. */
const entries = (report, data) => {
  const { tr } = data;
  const told = h("pre", { class: "gm-explain", "aria-live": "polite" }), hide = () => { told.hidden = true; };
  hide();
  for (const row of report.querySelectorAll(".gm-table tr[data-k]")) {
    const texts = data.entries?.[row.dataset.k], part = row.querySelector(".gm-g"), grid = part?.querySelectorAll(".gm-grid td");
    const cells = [...(grid?.length ? grid : part?.querySelectorAll(".gm-num") ?? [])];
    if (!texts) {
      const asked = data.ask?.[row.dataset.k];
      if (!asked || !part) continue;
      row.closest(".gm-scroll").after(told);
      part.title = tr("where an entry comes from");
      part.classList.add("gm-entry");
      part.addEventListener("click", (e) => {
        if (e.target.closest("summary")) return;
        /* The entry that was clicked; of what stands as a whole the first. */
        const cell = e.target.closest("td"), line = cell?.closest(".gm-grid") && cell.parentElement, name = asked.slice(0, asked.lastIndexOf("["));
        const at = line && (asked.includes(",") ? [line.rowIndex, cell.cellIndex] : [cells.indexOf(cell)]);
        const code = `gm.last().explain(${JSON.stringify(at ? `${name}[${at}]` : asked)})`;
        told.textContent = at ? tr("In Python: {code}", { code }) : tr("In Python: {code}, or any other entry", { code });
        told.hidden = false;
        e.stopPropagation();
      });
      continue;
    }
    if (cells.length !== texts.length) continue;
    row.closest(".gm-scroll").after(told);
    cells.forEach((cell, i) => {
      const open = () => { told.textContent = texts[i]; told.hidden = false; };
      cell.classList.add("gm-entry");
      cell.title = tr("where it comes from");
      cell.setAttribute("role", "button");
      cell.setAttribute("tabindex", i ? -1 : 0);
      cell.addEventListener("click", (e) => { e.stopPropagation(); open(); });
      cell.addEventListener("keydown", (e) => {
        const to = cells[i + ({ ArrowRight: 1, ArrowLeft: -1 }[e.key] ?? NaN)];
        if (e.key === "Enter" || e.key === " ") open();
        else if (e.key === "Escape") hide();
        else if (to) { cell.tabIndex = -1; to.tabIndex = 0; to.focus(); }
        else return;
        e.preventDefault();
        e.stopPropagation();
      });
    });
  }
  return hide;
};
