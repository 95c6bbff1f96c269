/* A drawing in one column whose boxes open in place: what is below makes room. Each shape knows the drawing it is of. */
const column = (group, part, grown) => {
  const [wide, high] = part.svg.match(/viewBox="0 0 (\d+) (\d+)"/).slice(1).map(Number), opened = new Map();
  for (const shape of group.querySelectorAll(".n,.e,.c")) shape.sheet = part;
  /* A row is pointed at in its card's whole width. */
  const number = (shape, ...names) => names.map((name) => +shape.getAttribute(name));
  const frames = [...group.querySelectorAll(".c>rect:first-child")].map((frame) => number(frame, "x", "y", "width", "height"));
  for (const row of group.querySelectorAll(".row")) {
    if (row.querySelector(".r")) continue;
    const [x, y] = number(row.querySelector("circle"), "cx", "cy"), card = frames.find(([left, top, w, t]) => left < x && x < left + w && top < y && y < top + t);
    if (!card) continue;
    const catches = document.createElementNS(group.namespaceURI, "rect");
    for (const [name, to] of Object.entries({ class: "r", x: card[0] + 1, y: y - 10, width: card[2] - 2, height: 20 })) catches.setAttribute(name, to);
    row.prepend(catches);
  }
  const shift = (y) => { let by = 0; for (const one of opened.values()) if (one.y <= y) by += one.high; return by; };
  const set = (shape, name, to) => { shape.first ??= {}; shape.setAttribute(name, to(shape.first[name] ??= shape.getAttribute(name))); };
  const moved = (text) => text.replace(/(-?[\d.]+),(-?[\d.]+)/g, (_, x, y) => `${x},${+y + shift(+y)}`);
  const place = () => {
    for (const shape of group.children) {
      const row = shape.querySelector(".r");
      if (shape.matches(".n") && row) shape.setAttribute("transform", `translate(0,${shift(+row.getAttribute("y") + 1)})`);
      if (shape.matches(".e")) {
        for (const line of shape.querySelectorAll("path")) set(line, "d", moved);
        for (const head of shape.querySelectorAll("polygon")) set(head, "points", moved);
      }
      if (shape.matches(".c")) [...shape.querySelectorAll("rect")].forEach((rect, i) => (i ? set(rect, "y", (y) => +y + shift(+y + 1)) : set(rect, "height", (old) => +old + shift(1e9))));
    }
    for (const one of opened.values()) one.group.setAttribute("transform", `translate(${one.x},${one.y + shift(one.y - 1) + 4})`);
    grown(Math.max(wide, ...[...opened.values()].map((one) => one.x + one.wide + 12)), high + shift(1e9));
  };
  const mark = (node, sign) => { const name = node.querySelector(".name"); name.textContent = sign + name.textContent.slice(1); node.setAttribute("aria-expanded", String(sign === "▾")); };
  for (const node of part.inner ? group.querySelectorAll(".n") : []) {
    const inner = part.inner[node.dataset.k], row = node.querySelector(".r");
    if (!inner || !row) continue;
    node.setAttribute("aria-expanded", "false");
    node.toggle = () => {
      const known = opened.get(node);
      mark(node, known ? "▸" : "▾");
      if (known) {
        known.group.remove();
        opened.delete(node);
        return place();
      }
      const made = document.createElementNS(group.namespaceURI, "g"), one = { group: made, x: +node.querySelector(".name").getAttribute("x") - 6, y: +row.getAttribute("y") + +row.getAttribute("height") };
      node.opened = made;
      made.setAttribute("class", "in");
      made.innerHTML = `<rect rx="4"/>${inner.svg.replace(/^<svg[^>]*>|<\/svg>$/g, "")}`;
      const cards = made.querySelectorAll(".c>rect:first-child"), framed = cards.length === 1 ? cards[0] : made.firstChild;
      made.firstChild.style.cssText = "fill:none";
      framed.style.cssText = "fill:var(--gm-bg,#fff);stroke:var(--gm-gold,#8a6100)";
      group.append(made);
      opened.set(node, one);
      column(made, inner, (w, t) => {
        [one.wide, one.high] = [w, t + 8];
        made.firstChild.setAttribute("width", w);
        made.firstChild.setAttribute("height", t);
        place();
      });
    };
  }
  grown(wide, high);
};
