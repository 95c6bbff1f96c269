/* Makes every report alive that is not: the parts stand in graph.js, walk.js and quiz.js, and are put in before this. */
const bring = async (report) => {
  report.dataset.live = "1";
  let data = {};
  try { data = JSON.parse(await gradmagic.read(report.querySelector("script.gm-data"))); } catch { /* the static page stays */ }
  const tr = data.tr = speaker(data.said);
  /* Without script a quiz's gradients stand behind what opens. */
  for (const cover of report.querySelectorAll(".gm-q")) cover.replaceWith(cover.lastElementChild);
  const own = (key) => String(data.own?.[key] ?? key);
  const items = [...report.querySelectorAll("[data-k]")];
  let pinned, hovered, board, quiz, slid;
  const paint = () => {
    const at = hovered ?? pinned, key = at && own(at.key);
    for (const item of items) {
      item.classList.toggle("gm-on", !!key && own(item.dataset.k) === key);
      item.classList.toggle("gm-pin", !!pinned && own(item.dataset.k) === own(pinned.key));
    }
    board?.light(at);
  };
  const point = (at) => { hovered = at?.key === undefined ? undefined : at; paint(); };
  const pin = (at) => { pinned = at && !(pinned && pinned.key === at.key && pinned.edge === at.edge) ? at : undefined; paint(); return pinned; };
  const keyOf = (e) => { const key = e.target.closest?.("[data-k]")?.dataset.k; return key === undefined ? undefined : { key }; };
  const veiled = (q) => quiz?.veiled(q);
  /* What is said of an edge, while a quiz hides the gradient that its derivative is. */
  const given = (said, i, { arrows } = data.sheets[0]) => (arrows?.[i]?.some(veiled) ? said.with(2, "?").with(4, null) : said);
  const ours = (e) => !e.target.classList?.contains("gm-board");
  for (const kind of ["mouseover", "focusin"]) report.addEventListener(kind, (e) => ours(e) && point(keyOf(e)));
  for (const kind of ["mouseleave", "focusout"]) report.addEventListener(kind, (e) => ours(e) && point());
  report.addEventListener("click", (e) => {
    if (!ours(e) || e.target.closest("button,summary,a,input") || String(getSelection())) return;
    const at = keyOf(e);
    if (at) pin(at);
  });
  report.addEventListener("keydown", (e) => {
    if (e.key === "Escape") { pinned = hovered = undefined; paint(); }
    if ((e.key === "Enter" || e.key === " ") && e.target.matches("[data-k]")) { e.preventDefault(); pin(keyOf(e)); }
  });
  /* One stop of the tab key for each part; the arrows walk within it. */
  for (const part of report.querySelectorAll(".gm-table,.gm-cell,.gm-steps")) rove([...part.querySelectorAll("[data-k]")], part);
  for (const image of report.querySelectorAll("img.gm-svg")) {
    if (image.closest(".gm-graph") && data.sheets) board = graph(report, image, data, { own, point, pin, veiled, given, ask: (q) => quiz?.ask(q) });
    else show(image, "gm-live", STYLES[image.closest(".gm-program") ? 0 : 1]);
  }
  const player = data.sheets && walk(report, board, data, { own, veiled, given, ask: (q) => quiz?.ask(q), begun: () => slid?.last() });
  const hide = entries(report, data);
  quiz = asking(report, data, () => { hide(); board?.veil(); player?.again(); });
  board?.veil();
  slid = turns(report, data, (walks) => { if (!walks) player?.end(); quiz.paint(); });
  const foot = report.querySelector(".gm-foot");
  if (data.latex && foot) foot.append(" ", button(tr("copy LaTeX"), tr("copy the chain rule as LaTeX"), (e) => copy(data.latex, e.target, tr("copied"))));
};
gradmagic["{{ of }}"] = () => {
  for (const report of document.querySelectorAll('.gradmagic[data-of="{{ of }}"]:not([data-live])')) bring(report);
};
/* A notebook takes cells that are out of sight from the page, and the style with the report that brought it. */
const brought = document.querySelector('.gradmagic[data-of="{{ of }}"]>style');
if (brought) document.head.append(brought.cloneNode(true));
gradmagic["{{ of }}"]();
