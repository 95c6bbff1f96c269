/* The walk: backward from the result as the list of steps tells it, or forward from one input with its tangents. */
const walk = (report, board, data, { own, veiled, given, ask, begun }) => {
  const { tr } = data, list = [...report.querySelectorAll(".gm-steps>li")];
  const modes = [];
  if (list.length) modes.push({ name: tr("backward from {name}", { name: data.of }), length: data.back.length });
  for (const ahead of data.ahead) modes.push({ name: tr("forward from {name}", { name: ahead.name }), length: ahead.steps.length, ahead, entry: 0 });
  if (!modes.length) return undefined;
  let mode = modes[0], i = 0, playing, on = false;
  const told = h("div", { class: "gm-told", "aria-live": "polite" });
  const count = h("span", { class: "gm-muted gm-small gm-count" });
  const slider = h("input", { type: "range", min: 0, "aria-label": tr("step of the sweep"), class: "gm-slider", oninput: () => { stop(); go(+slider.value); } });
  const stop = () => { clearInterval(playing); playing = undefined; play.textContent = tr("play"); play.setAttribute("aria-pressed", "false"); };
  const play = button(tr("play"), tr("walk through the steps by itself"), () => {
    if (playing) return stop();
    if (i >= mode.length) go(0);
    play.textContent = tr("pause");
    play.setAttribute("aria-pressed", "true");
    go(i + 1);
    playing = setInterval(() => (i < mode.length && report.isConnected ? go(i + 1) : stop()), 1500);
  }, { "aria-pressed": "false" });
  const jump = (text, label, to) => button(text, label, () => { stop(); go(to()); });
  const first = jump("|◁", tr("first"), () => 0), back = jump("◁", tr("back"), () => i - 1), next = jump("▷", tr("next"), () => i + 1), last = jump("▷|", tr("last"), () => mode.length);
  const choices = modes.map((choice) => button(choice.name, choice.name, () => { stop(); mode = choice; go(0); }, { "aria-pressed": "false" }));
  /* Many inputs are chosen from a list. */
  const many = data.ahead.length > 3 && h("select", { class: "gm-button", "aria-label": tr("walk forward"), onchange: () => { choices[many.value].click(); } }, h("option", { value: "", disabled: "", selected: "" }, tr("forward from …")), ...modes.flatMap((choice, j) => (choice.ahead ? [h("option", { value: j }, choice.name)] : [])));
  const entry = h("select", { class: "gm-button", "aria-label": tr("entry that grows"), title: tr("entry that grows"), onchange: () => { stop(); mode.entry = +entry.value; go(i); } });
  const off = button(tr("end "), tr("end the walk: show all gradients"), () => { stop(); reset(); });
  const bar = h("div", { class: "gm-bar gm-walk", "data-lm-suppress-shortcuts": "true", role: "group", "aria-label": tr("walk through the sweep") }, ...(many ? [...choices.slice(0, list.length ? 1 : 0), many] : choices), entry, first, back, slider, next, last, play, count, off);
  const anchor = board ? board.place : report.querySelector(".gm-steps");
  if (board) { anchor.before(h("div", { class: "gm-bars" }, bar, board.bar)); anchor.after(told); }
  else anchor.before(bar, told);
  /* In the table and the cell too, what the sweep has not come to has no gradient yet. */
  const parts = [...report.querySelectorAll(".gm-table .gm-g,.gm-cell .gm-g")].map((part) => [part, part.closest("[data-k]")?.dataset.k]);
  const clear = () => {
    board?.wipe();
    board?.head();
    for (const [part] of parts) part.classList.remove("gm-later");
    for (const item of list) item.classList.remove("gm-now");
    for (const item of board ? [...board.nodes, ...board.edges] : []) {
      item.classList.remove("now", "later", "wait");
      const g = item.querySelector(".g");
      if (g && g.said !== undefined) g.textContent = g.said;
    }
  };
  const reset = () => {
    on = false; i = 0;
    clear();
    board?.veil();
    board?.fit();
    told.replaceChildren();
    state();
  };
  const state = () => {
    slider.max = mode.length;
    slider.value = i;
    count.textContent = on ? tr("{i} of {n}", { i, n: mode.length }) : tr("{n} step{s}", { n: mode.length, s: mode.length > 1 ? "s" : "" });
    slider.setAttribute("aria-valuetext", tr("step {i} of {n}", { i, n: mode.length }));
    first.disabled = back.disabled = i <= 0;
    next.disabled = last.disabled = i >= mode.length;
    off.hidden = !on;
    const from = on && mode.ahead && mode.ahead.from.length > 1 ? mode.ahead.from : [];
    entry.hidden = !from.length;
    entry.replaceChildren(...from.map(([index], j) => h("option", { value: j }, `${mode.ahead.name}${index}`)));
    if (from.length) entry.value = mode.entry;
    if (from.length && mode.ahead.more) entry.append(h("option", { disabled: "" }, tr("{n} more are not kept", { n: mode.ahead.more })));
    modes.forEach((choice, j) => choices[j].setAttribute("aria-pressed", String(on && choice === mode)));
    if (many) many.value = on && mode.ahead ? modes.indexOf(mode) : "";
  };
  const name = (key) => data.sheets[0].nodes[key]?.[0] ?? "";
  const step = () => h("b", {}, tr("Step {i}", { i }), " ");
  const say = (...inside) => told.replaceChildren(...inside);
  /* What each box has by now: its text, and whether more is to come. */
  const backward = () => {
    const has = new Map(), current = data.back[i - 1], marks = new Map(), used = new Set();
    if (data.back.length) has.set(String(data.back[0][0]), ["", true]);
    data.back.slice(0, i).forEach(([key, flows], j) => {
      has.set(String(key), ["", true]);
      for (const [edge, target, amount, sum, done] of flows) {
        used.add(String(edge));
        has.set(String(target), done ? ["", true] : [sum ? `${sum} + …` : "… + …", false]);
        if (j === i - 1) marks.set(String(edge), `◀ ${veiled(`s${i}`) ? "?" : amount}`);
      }
    });
    if (!current) say(h("span", { class: "gm-muted" }, tr("Nothing has been sent yet: {name} starts with 1. ", { name: data.of })));
    else if (veiled(`s${i}`)) say(...filled(tr("{name} sends on {what}"), { name: code(name(current[0])), what: button("?", tr("show this step"), () => ask(`s${i}`)) }));
    else if (!list[i - 1]) {
      /* The page lists the first steps only. */
      say(h("div", {}, step(), code(name(current[0])), ...current[1].flatMap(([edge, target, amount]) => filled(tr(" to {target}: {flow};"), { target: code(name(target)), flow: h("span", { class: "gm-num" }, `${data.sheets[0].edges[edge][0]} = ${amount}`) }))));
    } else {
      const said = list[i - 1].cloneNode(true);
      for (const ask of said.querySelectorAll(".gm-ask")) ask.remove();
      for (const part of said.querySelectorAll("[hidden]")) part.hidden = false;
      const rule = data.sheets[0].nodes[current[0]]?.[3];
      const rules = current[1].map(([edge]) => given(data.sheets[0].edges[edge], edge)).filter((e) => e && e[2]);
      say(h("div", {}, step(), ...said.childNodes));
      if (rules.length) told.append(h("div", { class: "gm-muted" }, `${rule}: `, code(rules.map((e) => `${e[0]} ${e[1]} = ${e[2]}`).join("   "))));
    }
    return [has, current?.[0], marks, used];
  };
  const short = (text) => (isNaN(text) || text === "" ? text : String(+(+text).toPrecision(4)));
  const product = (text) => (text.startsWith("-") ? `(${text})` : text);
  const plain = (text) => text !== undefined && text !== "" && !isNaN(text);
  /* How a tangent comes about: of numbers the products, of arrays each rule and what it adds. */
  const pushed = (edges, parts, has) => {
    const numbers = edges.map(([edge, source]) => [given(data.sheets[0].edges[edge], edge), has.get(String(source))?.[0]]).map(([said, before]) => [said, before, said && said[4] !== null && !data.values[said[4]][0] ? short(data.values[said[4]][1]) : undefined]);
    if (numbers.every(([, before, local]) => plain(before) && plain(local))) {
      const products = numbers.map(([, before, local]) => `${product(local)}·${product(before)}`).join(" + ");
      return `${numbers.map(([said, before]) => `${said[0]}·${product(before)}`).join(" + ")} = ${products}`;
    }
    /* Words like `grad @ W.T` tell of the way back. */
    const how = (said) => (!said ? "" : said[2] && !/\bgrad\b/.test(said[2]) ? `${said[0]} ${said[2]}` : tr("{edge} from {name}", { edge: said[0], name: said[3] }));
    return numbers.map(([said], j) => how(said) + (edges.length > 1 ? `: ${parts[j]}` : "")).join(" + ");
  };
  const forward = () => {
    const { ahead } = mode, [index, texts] = ahead.from[mode.entry], who = ahead.name + index;
    const has = new Map([[String(ahead.key), [index ? tr("1 at {index}", { index }) : "1", true]]]), marks = new Map(), used = new Set();
    let at = 0, current, how;
    ahead.steps.slice(0, i).forEach(([key, edges], j) => {
      /* What arrives at the end is the gradient, which a quiz keeps to itself. */
      const hidden = j === ahead.steps.length - 1 && veiled(ahead.key), take = () => (hidden ? (at++, "?") : texts[at++]);
      const tangent = take(), parts = edges.map(() => (edges.length > 1 ? take() : tangent));
      if (j === i - 1) { current = key; how = pushed(edges, parts, has); }
      has.set(String(key), [tangent, true]);
      edges.forEach(([edge], k) => {
        used.add(String(edge));
        if (j === i - 1) marks.set(String(edge), `▶ ${parts[k]}`);
      });
    });
    if (current === undefined) say(h("span", { class: "gm-muted" }, tr("{name} grows with speed 1; nothing else moves yet.", { name: who })));
    else say(h("div", {}, step(), ...filled(tr("{name} grows with {how}"), { name: code(name(current)), how: [h("span", { class: "gm-num" }, how), h("b", { class: "gm-num" }, ` = ${has.get(String(current))[0]}`)] }), i === mode.length ? h("span", { class: "gm-muted" }, tr("; one sweep forward tells of {name} only.", { name: who })) : ""));
    return [has, current, marks, used];
  };
  const go = (to) => {
    if (!on) begun();
    on = true;
    i = Math.max(0, Math.min(mode.length, to));
    clear();
    const [has, current, marks, used] = (mode.ahead ? forward : backward)();
    const at = board?.holder(current), who = mode.ahead && mode.ahead.name + mode.ahead.from[mode.entry][0];
    board?.head(who);
    for (const node of board?.nodes ?? []) {
      const key = node.dataset.k, of = has.get(own(key)), now = has.get(key) ?? (of?.[1] ? of : undefined), g = node.querySelector(".g");
      node.classList.toggle("later", !now);
      node.classList.toggle("now", node === at);
      if (node === at) board.follow(node);
      if (!g) continue;
      if (mode.ahead) board.fill(g, !now ? "" : node.classList.contains("row") ? now[0] : `∂/∂${who} ${now[0]}`);
      else if (now?.[0]) g.textContent = veiled(key) ? "?" : now[0];
      else if (veiled(key)) g.textContent = tr("grad ?");
    }
    for (const edge of board?.edges ?? []) {
      /* Operations have the same edges in every form; a box has its own. */
      const i = edge.dataset.i, known = edge.sheet.of === 0 || !edge.sheet.edges[i], said = known ? marks.get(i) : undefined;
      edge.classList.toggle("now", said !== undefined);
      edge.classList.toggle("wait", known && !used.has(i));
      if (said === undefined) continue;
      const label = edge.querySelector("text"), line = edge.querySelector("path");
      const at = label ? [+label.getAttribute("x"), +label.getAttribute("y") + 13] : (() => { const p = line.getPointAtLength(line.getTotalLength() / 2); return [p.x, p.y + 4]; })();
      board.write(said, ...at, line.getBBox().width + 8);
    }
    if (!mode.ahead) {
      const item = list[i - 1];
      item?.classList.add("gm-now");
      if (item) item.parentElement.scrollTop = item.offsetTop - item.parentElement.offsetTop - 60; /* the page stays */
      for (const [part, key] of parts) part.classList.toggle("gm-later", !has.get(own(key))?.[1]);
    }
    state();
  };
  if (board) board.turned = () => { if (on) go(i); };
  bar.addEventListener("keydown", (e) => {
    if (e.key === "Escape") { stop(); reset(); }
    if (e.target === slider) return;
    if (e.key === "ArrowRight") { e.preventDefault(); stop(); go(i + 1); }
    if (e.key === "ArrowLeft") { e.preventDefault(); stop(); go(i - 1); }
  });
  state();
  return { again: () => { if (on) go(i); }, end: () => { if (on) { stop(); reset(); } } };
};
