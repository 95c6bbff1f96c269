/* The graph: lit, zoomed, moved, walked through by keys, and opened: a small panel says one box or arrow in full. */
const LEAST = 11 / 12; /* of a drawing's own size: its letters are 12 px high, and 11 can be read */
const graph = (report, image, data, { own, point, pin, veiled, given, ask }) => {
  const { tr } = data, first = data.sheets[0].svg ?? decode(image.src), alt = image.alt, { host, root } = show(image, "gm-live gm-board", STYLES[0]);
  host.setAttribute("data-lm-suppress-shortcuts", "true");
  const place = host.parentElement, whole_part = place.closest("details"), panel = h("div", { class: "gm-panel", role: "region", "aria-label": tr("what was clicked"), "aria-live": "polite" });
  panel.hidden = true;
  place.after(panel);
  let now = 0, svg, nodes, edges, wide, high, x = 0, y = 0, k = 1, own_zoom = false, opened;
  const style = root.querySelector("style");
  const sheet = () => data.sheets[now];
  /* What is said of a shape; what the first drawing says too stands there alone. */
  const said_of = (item) => {
    const [first] = data.sheets, { sheet: part, dataset } = item;
    if (dataset.k) return part.nodes[dataset.k] ?? first.nodes[dataset.k];
    return given(part.edges[dataset.i] ?? first.edges[dataset.i], dataset.i, part.arrows ? part : first);
  };
  const size = () => [host.clientWidth, host.clientHeight];
  const apply = () => {
    const [w, t] = size();
    x = Math.min(Math.max(x, -w / k / 2), Math.max(0, wide - w / k / 2));
    y = Math.min(Math.max(y, -t / k / 2), high - t / k / 2);
    svg.setAttribute("viewBox", `${x} ${y} ${w / k} ${t / k}`);
  };
  /* Cards are as wide as a column and are read at their own size: what is wider than the page scrolls, as text does. */
  const tall = () => svg.classList.contains("tall");
  const fit = () => {
    own_zoom = false;
    host.style.minWidth = tall() ? `${Math.ceil(wide * LEAST)}px` : "0";
    const w = host.clientWidth;
    if (!w) return;
    if (tall()) {
      k = Math.min(document.fullscreenElement === whole_part ? 2 : 1.2, Math.max(LEAST, w / wide));
      host.style.height = `${high * k}px`;
      x = y = 0;
      return apply();
    }
    k = Math.min(1.35, w / wide); /* a small graph may be read from the last row of a room */
    const t = Math.min(560, Math.max(high * k, Math.min(high, 130)));
    host.style.height = `${t}px`;
    k = Math.min(k, t / high);
    x = wide * k < w ? Math.min(0, (wide - w / k) / 2) * (wide * k > w * 0.9) : 0;
    y = (high - t / k) / 2;
    apply();
  };
  /* What is larger may have more room. */
  const grow = () => { host.style.height = `${Math.max(host.clientHeight, Math.min(420, high * k))}px`; };
  const zoom = (by, px, py) => {
    const [w, t] = size(), to = Math.min(4, Math.max(0.05, k * by));
    px ??= w / 2; py ??= t / 2;
    own_zoom = true;
    x += px / k - px / to;
    y += py / k - py / to;
    k = to;
    grow();
    apply();
  };
  const frame = (node) => { const a = node.getBoundingClientRect(), b = svg.getBoundingClientRect(); return { x: x + (a.x - b.x) / k, y: y + (a.y - b.y) / k, width: a.width / k, height: a.height / k }; };
  const seen = (node) => {
    const box = frame(node), [w, t] = size();
    if (tall() && !own_zoom) return node.scrollIntoView({ block: "nearest" });
    if (box.x < x || box.x + box.width > x + w / k || box.y < y || box.y + box.height > y + t / k) {
      x = box.x + box.width / 2 - w / k / 2;
      y = box.y + box.height / 2 - t / k / 2;
      own_zoom = true;
      apply();
    }
  };
  /* A graph that is too wide to be read whole begins at its inputs. */
  const begin = () => {
    fit();
    if (k >= 0.5 || !host.clientWidth || tall()) return;
    const boxes = nodes.map((n) => n.getBBox()), first = boxes.reduce((a, b) => (b.x < a.x ? b : a));
    zoom(0.8 / k);
    x = first.x - 12;
    const t = host.clientHeight / k;
    y = high <= t ? (high - t) / 2 : Math.min(Math.max(first.y + first.height / 2 - t / 2, -8), high - t + 8);
    own_zoom = false;
    apply();
  };
  /* In a wide graph the walk goes from box to box at a size that can be read. */
  const follow = (node) => {
    if (k < 0.75 && !tall()) zoom(0.9 / k);
    seen(node);
  };
  const light = (at) => {
    const start = at && nodes.filter((n) => own(n.dataset.k) === own(at.key)), known = at && (at.edge || start.length);
    const on = new Set(), lit = new Set();
    if (at?.edge && at.sheet === now) {
      const edge = edges.find((e) => e.dataset.i === at.edge);
      if (edge) { lit.add(edge); on.add(edge.dataset.s).add(edge.dataset.d); }
    } else if (known) {
      for (const node of start) on.add(node.dataset.k);
      for (let before = -1; before < lit.size; ) {
        before = lit.size;
        for (const edge of edges) if (on.has(edge.dataset.s) && !lit.has(edge)) { lit.add(edge); on.add(edge.dataset.d); }
      }
    }
    const inside = (shape) => start?.some((node) => node.opened?.contains(shape)); /* what a box opened to is read with it */
    for (const edge of svg.querySelectorAll(".e")) edge.classList.toggle("dim", !!known && !lit.has(edge) && !inside(edge));
    for (const node of svg.querySelectorAll(".n")) {
      node.classList.toggle("dim", !!known && !on.has(node.dataset.k) && !inside(node));
      node.classList.toggle("on", !!known && (at.edge ? on.has(node.dataset.k) : own(node.dataset.k) === own(at.key)));
    }
  };
  const value = (i, q) => {
    if (i === null || i === undefined) return [tr("not kept")];
    if (q !== undefined && veiled(q)) return [button("?", tr("show the gradient"), () => ask(q))];
    const [shape, words, sign, rows] = data.values[i], tone = { "+": "gm-pos", "-": "gm-neg", 0: "gm-zero", "!": "gm-bad" }[sign] ?? "";
    const said = [h("span", { class: "gm-muted" }, shape ? `${shape} ` : ""), h("span", { class: `gm-num ${q === undefined ? "" : tone}` }, words)];
    if (rows) said.push(h("div", { class: "gm-scroll" }, h("table", { class: "gm-grid" }, ...rows.map((row) => h("tr", {}, ...row.map((text) => h("td", { class: q === undefined ? "" : text === "0" ? "gm-zero" : text[0] === "-" ? "gm-neg" : "gm-pos" }, text)))))));
    return said;
  };
  const unfolded = data.sheets.flatMap((s, j) => (j && !s.form ? [j] : [])), [boxes, lines] = ["boxes", "lines"].map((name) => data.sheets.findIndex((s) => s.form === name)), others = boxes > 0 || lines > 0;
  const unfolds = (key) => data.sheets.findIndex((s, i) => i && now === 0 && s.keys.some((member) => own(member) === key));
  const open = (item) => {
    opened = item;
    panel.hidden = !item;
    panel.replaceChildren();
    if (!item) return;
    const rows = [], said = said_of(item), id = item.dataset.k;
    if (!said) return open();
    let title, note = "";
    if (id) {
      const [name, where, about, rule, v, g, count] = said;
      title = name;
      note = [rule, where, about, count > 1 ? tr("the last of {n}", { n: count }) : ""].filter(Boolean).join(" · ");
      rows.push([tr("value"), value(v)], [tr("gradient of {name}", { name: data.of }), value(g, own(id))]);
      for (const edge of edges) if (edge.dataset.d === id && edge.sheet === item.sheet) { const e = said_of(edge); rows.push([`${e[0]} ${e[1]}`, e[4] === null ? [code(e[2] || tr("not elementwise"))] : [code(e[2] && e[2] !== data.values[e[4]][1] ? `${e[2]} = ` : ""), ...value(e[4])]]); }
    } else {
      title = `${said[0]} ${said[1]}`;
      rows.push([tr("local derivative"), [code(said[2] || (said[4] === null ? tr("not elementwise") : ""))]]);
      if (said[4] !== null) rows.push([tr("in numbers"), value(said[4])]);
      rows.push([tr("carries to {name}", { name: said[3] }), value(said[5], own(item.dataset.s))]);
    }
    const close = button("×", tr("close"), () => { open(); pin(); });
    panel.append(h("div", { class: "gm-bar" }, h("b", { class: "gm-num" }, title), h("span", { class: "gm-muted gm-small" }, note), close));
    const j = id ? unfolds(own(id)) : -1;
    if (j > 0) close.before(button(tr("unfold"), tr("unfold: the first and the last turns one by one"), () => turn(j)));
    panel.append(h("table", { class: "gm-facts" }, h("tbody", {}, ...rows.map(([name, cells]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, ...cells))))));
  };
  const tipped = () => {
    for (const item of [...nodes, ...edges]) {
      const said = said_of(item);
      if (!said) continue;
      const number = (i) => data.values[i]?.[1], value = number(said[4]), grad = veiled(own(item.dataset.k)) ? undefined : number(said[5]);
      const tip = item.dataset.k
        ? [said[0], value !== undefined && tr("value {value}", { value }), grad !== undefined && tr("gradient {grad}", { grad })].filter(Boolean).join("\n")
        : [said[0], said[1], said[2] && `= ${said[2]}`].filter(Boolean).join(" ");
      const title = item.querySelector("title") ?? item.insertBefore(document.createElementNS(svg.namespaceURI, "title"), item.firstChild);
      title.textContent = tip;
      item.setAttribute("aria-label", tip.replaceAll("\n", ", "));
    }
  };
  const draw = (text) => {
    root.innerHTML = text;
    svg = root.firstElementChild;
    svg.querySelector("style")?.remove();
    svg.prepend(style);
    nodes = edges = [];
    svg.style.cssText = "width:100%;height:100%;display:block;touch-action:pan-y;outline-offset:2px";
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", alt);
    column(svg, { ...sheet(), svg: text, of: now }, (w, t) => { [wide, high] = [w, t]; });
    found();
    begin();
    veil();
  };
  /* A box that opens brings shapes. */
  const found = () => {
    nodes = [...svg.querySelectorAll(".n[data-k]")].sort((a, b) => a.dataset.k - b.dataset.k);
    edges = [...svg.querySelectorAll(".e[data-i]")];
    nodes.forEach((node, i) => { if (!node.hasAttribute("role")) node.setAttribute("tabindex", i ? -1 : 0); node.setAttribute("role", "button"); });
    for (const edge of edges) {
      if (edge.hasAttribute("role")) continue;
      const [s, d] = said_of(edge).slice(-2);
      Object.assign(edge.dataset, { s, d });
      edge.setAttribute("role", "img");
      const line = edge.querySelector("path"), wider = line.cloneNode();
      wider.setAttribute("class", "h");
      line.before(wider);
    }
    for (const g of svg.querySelectorAll(".g")) g.said ??= g.textContent;
  };
  const veil = () => {
    for (const node of nodes) {
      const hidden = veiled(own(node.dataset.k)), g = node.querySelector(".g");
      node.classList.toggle("veil", !!hidden);
      if (g) g.textContent = hidden ? (node.classList.contains("row") ? " ?" : tr("grad ?")) : g.said;
    }
    for (const edge of edges) {
      const hidden = said_of(edge)[2] === "?";
      edge.classList.toggle("veil", hidden);
      for (const label of [edge.querySelector("text"), ...svg.querySelectorAll(`.d[data-i="${edge.dataset.i}"]`)]) {
        if (!label) continue;
        label.said ??= label.textContent;
        label.textContent = hidden ? `${label.said.match(/^\s*(\(\d+\)|[^\s:]*?:|\S)/)[0]} ?` : label.said;
        label.classList.toggle("veil", hidden);
      }
    }
    svg.classList.toggle("blind", !!veiled());
    tipped();
    if (opened) open(opened.isConnected ? opened : undefined);
  };
  const fold = unfolded.length > 0 && button(tr("unfold"), tr("unfold loops and calls"), () => turn(unfolded[unfolded.indexOf(now) + 1] ?? 0));
  const names = { boxes: tr("boxes"), lines: tr("lines"), operations: tr("operations") };
  const forms = [...data.sheets.flatMap((s, j) => (s.form ? [[s.form, j]] : [])), ...(others ? [["operations", 0]] : [])].map(([form, j]) => [j, names[form]]).map(([j, name]) => [j, button(name, name, () => turn(j), { "aria-pressed": "false" })]);
  const scope = whole_part?.querySelector(".gm-scope"), whole_said = scope?.textContent;
  const turn = (j) => {
    now = j;
    /* How much the drawing shows. */
    if (scope) scope.textContent = !j ? whole_said : sheet().scope ? tr("{scope}; {legend}", { scope: sheet().scope, legend: scope.dataset.legend }) : scope.dataset.legend;
    open();
    pin();
    draw(j ? data.sheets[j].svg : first);
    /* What was asked for is to be read: the first of the turns, at a size for it. */
    const start = j && k < 0.7 && nodes.find((n) => data.sheets[j].keys.includes(+n.dataset.k));
    if (start) { zoom(0.85 / k); x = start.getBBox().x - 60; apply(); }
    if (fold) fold.textContent = j === unfolded.at(-1) ? tr("fold") : unfolded.includes(j) ? tr("unfold next") : tr("unfold");
    pressed();
    board.turned?.();
  };
  const whole = () => { fit(); own_zoom = true; };
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : whole_part.requestFullscreen?.());
  const bar = h("div", { class: "gm-bar gm-zoom" }, button("−", tr("zoom out"), () => zoom(0.8)), button("+", tr("zoom in"), () => zoom(1.25)), button(tr("fit"), tr("show the whole graph"), whole), button("1:1", tr("natural size"), () => zoom(1 / k)), button(tr("full"), tr("full screen: f over the graph"), full), ...(fold ? [fold] : []), ...forms.map(([, choice]) => choice));
  const pressed = () => forms.forEach(([j, choice]) => choice.setAttribute("aria-pressed", String(now === j)));
  pressed();
  /* A derivative in a row stands for its edge. */
  const target = (e) => {
    const item = e.target.closest?.("[data-k],[data-i]");
    return item?.matches("tspan") ? edges.find((edge) => edge.dataset.i === item.dataset.i) : item;
  };
  const spot = (e) => {
    const item = target(e);
    return item && (item.dataset.i ? { key: item.dataset.d, edge: item.dataset.i, sheet: now } : { key: item.dataset.k });
  };
  let drag, dragged = false;
  const chosen = (item) => {
    const at = item.dataset.i ? { key: item.dataset.d, edge: item.dataset.i, sheet: now } : { key: item.dataset.k };
    if (!item.toggle) return open(pin(at) ? item : undefined);
    item.toggle();
    pin();
    found();
    veil();
    if (own_zoom) apply();
    else fit();
    const expanded = item.getAttribute("aria-expanded") === "true";
    open(expanded ? item : undefined);
    if (expanded) item.opened.scrollIntoView({ block: "nearest" });
    board.turned?.();
  };
  for (const kind of ["mouseover", "focusin"]) root.addEventListener(kind, (e) => { if (!drag) point(spot(e)); });
  for (const kind of ["mouseleave", "focusout"]) host.addEventListener(kind, () => point());
  root.addEventListener("click", (e) => { const item = target(e); if (item && !dragged) chosen(item); });
  root.addEventListener("dblclick", (e) => { const j = unfolds(own(target(e)?.dataset.k)); if (j > 0) turn(j); });
  host.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const box = host.getBoundingClientRect();
    zoom(Math.exp(-Math.sign(e.deltaY) * Math.min(0.25, Math.abs(e.deltaY) / 300)), e.clientX - box.left, e.clientY - box.top);
  }, { passive: false });
  host.addEventListener("pointerdown", (e) => { if (e.button === 0) { drag = undefined; dragged = false; host.from = [e.clientX, e.clientY, x, y]; } });
  host.addEventListener("pointermove", (e) => {
    if (!host.from || !(e.buttons & 1)) { host.from = drag = undefined; return; }
    const [px, py, ax, ay] = host.from;
    if (!drag && Math.hypot(e.clientX - px, e.clientY - py) < 5) return;
    if (!drag) host.setPointerCapture(e.pointerId);
    drag = dragged = own_zoom = true;
    x = ax - (e.clientX - px) / k;
    y = ay - (e.clientY - py) / k;
    apply();
  });
  host.addEventListener("pointerup", () => { host.from = drag = undefined; });
  /* Right and left go along the arrows, up and down to the nearest box above and below. */
  const middle = (node) => { const b = frame(node); return [b.x + b.width / 2, b.y + b.height / 2]; };
  const nearest = (from, list, weigh) => list.reduce((best, node) => { const d = weigh(middle(from), middle(node)); return d < best[0] ? [d, node] : best; }, [Infinity])[1];
  const byKey = (key) => nodes.find((n) => n.dataset.k === key);
  const along = { ArrowRight: ["s", "d"], ArrowLeft: ["d", "s"] };
  root.addEventListener("keydown", (e) => {
    const from = target(e);
    let to;
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "+" || e.key === "=") zoom(1.25);
    else if (e.key === "-") zoom(0.8);
    else if (e.key === "0") whole();
    else if (e.key === "f") full();
    else if (e.key === "Escape") { open(); point(); }
    else if ((e.key === "Enter" || e.key === " ") && from) chosen(from);
    else if (along[e.key]) {
      const [a, b] = along[e.key];
      to = from && nearest(from, edges.filter((d) => d.dataset[a] === from.dataset.k).map((d) => byKey(d.dataset[b])).filter(Boolean), (p, q) => Math.abs(p[1] - q[1]));
    } else if (NEXT[e.key]) {
      const way = NEXT[e.key];
      to = from && nearest(from, nodes, (p, q) => ((q[1] - p[1]) * way > 1 ? Math.abs(q[1] - p[1]) + 2 * Math.abs(q[0] - p[0]) : Infinity));
    } else return;
    e.preventDefault();
    if (e.key !== "Escape") e.stopPropagation();
    if (to) {
      from.setAttribute("tabindex", -1);
      to.setAttribute("tabindex", 0);
      to.focus({ preventScroll: true });
      seen(to);
    }
  });
  /* Over the drawing f needs no focus; where somebody writes it is a letter. */
  const over = (e) => {
    if (!report.isConnected) return document.removeEventListener("keydown", over, true);
    if (e.key !== "f" || e.ctrlKey || e.metaKey || e.altKey || !whole_part.matches(":hover") || e.target.closest?.("input,textarea,select,[contenteditable=true]") || root.activeElement) return;
    e.preventDefault();
    e.stopPropagation();
    full();
  };
  document.addEventListener("keydown", over, true);
  const board = {
    light, veil, fit, follow, bar, place, panel,
    get nodes() { return nodes; },
    get edges() { return edges; },
    /* What shows an operation: itself, else the box that it is in. */
    holder: (key) => nodes.filter((node) => node.dataset.k === String(key)).at(-1) ?? nodes.filter((node) => said_of(node)?.[7] <= key && key < node.dataset.k).at(-1),
    /* What flows stands above all boxes; of what is wider than its arrow only the direction: the next box has it too. */
    write: (said, x, y, room) => {
      const made = document.createElementNS(svg.namespaceURI, "text");
      made.setAttribute("class", "f");
      made.setAttribute("x", x);
      made.setAttribute("y", y);
      made.textContent = said;
      svg.append(made);
      if (made.getBBox().width > room) made.textContent = said[0];
    },
    /* What is longer than its place in a row or a box is cut, and said in full when it is pointed at. */
    fill: (g, said) => {
      g.textContent = said;
      const row = g.closest(".n"), next = g.nextElementSibling, frame = row.querySelector("rect");
      const end = next ? +next.getAttribute("x") : +frame.getAttribute("x") + +frame.getAttribute("width");
      const over = () => g.getBBox().x + g.getBBox().width > end - 4;
      for (let left = said.length; left > 1 && row.classList.contains("row") && over(); ) g.textContent = `${said.slice(0, --left)}…`;
    },
    head: (who) => {
      for (const head of svg.querySelectorAll(".c text")) {
        head.said ??= head.textContent;
        if (head.said === tr("gradient")) head.textContent = !who ? head.said : who.length > 7 ? "∂" : `∂/∂${who}`;
      }
    },
    wipe: () => { for (const made of svg.querySelectorAll(".f")) made.remove(); },
  };
  host.style.cssText = "display:block;width:100%;min-width:0;flex:1";
  draw(first);
  if (data.begin) turn(data.begin);
  new ResizeObserver(() => (own_zoom ? apply() : begin())).observe(host);
  place.before(bar);
  return board;
};
