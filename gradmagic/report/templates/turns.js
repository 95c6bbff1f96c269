/* Turns: a slider for each loop and function of the cell; inner ones follow the outer, and the lines show that turn. */
const turns = (report, data, moved) => {
  const { tr } = data, { scopes, moments, lists, rows } = data.turns ?? {};
  if (!rows) return undefined;
  const want = scopes.map(() => Infinity), at = scopes.map(() => -1), bars = [];
  const filled = (text, length) => { let before = ""; return [...text.split("|"), ...Array(length).fill("")].slice(0, length).map((one) => (before = one || before)); };
  const told = rows.map(([list, ...texts]) => { const some = lists[list]; return [some, ...texts.map((text) => filled(text, some.length))]; });
  const shown = [...report.querySelectorAll("[data-t]")].map((item) => [item, told[item.dataset.t], item.cells?.[3].querySelector(".gm-g")]);
  /* The turns of a loop that lie within what is chosen around it, each with its number among them. */
  const choices = (scope) => {
    let before, offset = 0, of = 0;
    const found = [];
    moments.forEach(([s, turn, count, within], m) => {
      if (s !== scope || (within >= 0 && at[moments[within][0]] !== within)) return;
      if (within !== before) { offset += of; before = within; of = count; }
      found.push([m, offset + turn]);
    });
    return [found.sort((a, b) => a[1] - b[1]), offset + of];
  };
  const choose = () => {
    at.fill(-1);
    for (let round = 0; round < 2; round++) scopes.forEach((_, s) => {
      const [found] = choices(s);
      at[s] = (found.findLast(([, number]) => number <= want[s]) ?? found[0] ?? [-1])[0];
    });
  };
  const no_value = tr("none at this turn"), no_grad = tr("none");
  const tones = { "+": "gm-pos", "-": "gm-neg", 0: "gm-zero", "!": "gm-bad" };
  const paint = (walks) => {
    choose();
    for (const bar of bars) bar();
    for (const [item, [some, values, grads, shapes, results], part] of shown) {
      const i = some.findLastIndex((m) => at[moments[m][0]] === m), moved_away = want.some((w) => w < Infinity);
      const q = i < 0 ? "-" : moved_away ? `${item.dataset.t}.${some[i]}` : undefined; /* by which a quiz knows it */
      const value = values[i] ?? "", grad = grads[i]?.slice(1) ?? "";
      for (const one of [item, part]) if (one && q) one.dataset.q = q; else if (one) delete one.dataset.q;
      if (!item.cells) { item.title = item.tip = [item.textContent, tr("value {value}", { value: value || no_value }), tr("gradient {grad}", { grad: grad || no_grad })].join("\n"); continue; }
      item.cells[2].replaceChildren(h("small", {}, i < 0 ? "–" : shapes[i] ? `${shapes[i]} ` : ""), h("samp", {}, value));
      item.hidden = i < 0 && item.matches(".gm-part");
      part.className = `gm-g ${tones[grads[i]?.[0]] ?? ""}`;
      if (part.nextElementSibling?.matches("small")) part.nextElementSibling.hidden = moved_away; /* "start": of the last sweep */
      part.textContent = results?.[i] ? tr("{grad} of {result}", { grad, result: results[i] }) : grad;
    }
    moved(walks);
  };
  const go = (scope, number) => { want[scope] = number; paint(); };
  const words = {
    turn: { shown: tr("turn that is shown"), before: tr("turn before"), next: tr("next turn"), all: tr("turns"), at: (fields) => tr("turn {turn} of {turns}", fields) },
    call: { shown: tr("call that is shown"), before: tr("call before"), next: tr("next call"), all: tr("calls"), at: (fields) => tr("call {turn} of {turns}", fields) },
  };
  const bar = (scope) => {
    const word = words[scopes[scope][0]], count = h("small", { class: "gm-count" });
    let found = [], i = 0;
    const to = (j) => go(scope, j >= found.length - 1 ? Infinity : found[Math.max(0, j)][1]);
    const slider = h("input", { type: "range", min: 0, class: "gm-slider", "aria-label": word.shown, oninput: () => to(+slider.value) });
    const back = button("◁", word.before, () => to(i - 1)), next = button("▷", word.next, () => to(i + 1));
    const part = h("div", { class: "gm-bar gm-turns", role: "group", "aria-label": word.all, "data-lm-suppress-shortcuts": "true" }, back, slider, next, count);
    bars.push(() => {
      let total;
      [found, total] = choices(scope);
      i = found.findIndex(([m]) => m === at[scope]);
      const said = i < 0 ? "" : word.at({ turn: found[i][1].toLocaleString("en"), turns: total.toLocaleString("en") });
      slider.max = found.length - 1;
      slider.value = i;
      slider.setAttribute("aria-valuetext", said);
      count.textContent = said;
      back.disabled = i <= 0;
      next.disabled = i >= found.length - 1;
      part.closest("tr").hidden = found.length < 2;
    });
    return part;
  };
  const table = report.querySelector(".gm-cell tbody");
  scopes.forEach((_, s) => {
    const head = [...table.rows].find((row) => row.dataset.s?.split(" ").includes(String(s))), row = h("tr", { class: "gm-turn" }, h("td"), h("td", { colspan: 3, style: "text-align:left" }, bar(s)));
    let after = head;
    while (after?.nextElementSibling?.matches(".gm-turn,.gm-part")) after = after.nextElementSibling;
    if (after) after.after(row); else table.prepend(row);
  });
  /* Columns that keep their width while it moves. */
  const wide = (text) => text.replace(/[\u3000-\uffef]/g, "  ").length;
  const widest = (i) => Math.max(...told.map((row) => Math.max(0, ...row[i].map((text, j) => wide(text) + (i === 1 ? (row[3][j] ?? "").length + 1 : 0)))));
  [1, 2].forEach((i) => { table.closest("table").tHead.rows[0].cells[i + 1].style.minWidth = `min(${widest(i) * 8}px, 24vw)`; });
  report.dataset.turns = "1";
  paint(true);
  return { last: () => { if (want.some((w) => w < Infinity)) { want.fill(Infinity); paint(true); } } };
};
