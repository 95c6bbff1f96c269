/* The quiz: gradients stand behind a question mark until they are asked for, one by one. */
const asking = (report, { tr, open, tips: grads }, changed) => {
  const asked = new Set(open?.map(String)), parts = [];
  let on = "quiz" in report.dataset;
  const veiled = (q) => on && q !== "-" && !asked.has(String(q)); /* "-": there is none at this turn */
  for (const part of report.querySelectorAll(".gm-g")) {
    const q = () => part.dataset.q ?? part.closest("[data-k]")?.dataset.k; /* a slider makes it another */
    const mark = button("?", tr("show the gradient"), () => ask(q()), { class: "gm-button gm-ask" });
    if (!part.matches(".gm-mute")) part.before(mark);
    parts.push([part, mark, q]);
  }
  const whole = (x) => (grads ? `${x.title.split("\n").slice(0, 2).join("\n")}\n${tr("gradient {grad}", { grad: grads[x.dataset.k] ?? tr("none") })}` : x.title);
  const tips = [...report.querySelectorAll(".gm-x[title]")].map((x) => [x, whole(x)]);
  const paint = () => {
    for (const [part, mark, q] of parts) { part.hidden = veiled(q()); mark.hidden = !part.hidden || !part.childNodes.length; }
    for (const [x, tip] of tips) { const said = x.tip ?? tip; x.title = veiled(x.dataset.q ?? x.dataset.k) ? said.split("\n").slice(0, 2).join("\n") : said; }
    start.setAttribute("aria-pressed", String(on));
    changed();
  };
  const ask = (q) => { asked.add(String(q)); paint(); };
  const start = button(tr("quiz"), tr("hide the gradients until you ask for them"), () => { on = !on; asked.clear(); paint(); }, { "aria-pressed": String(on) });
  report.querySelector(".gm-head")?.append(start);
  queueMicrotask(paint);
  return { veiled, ask, paint };
};
