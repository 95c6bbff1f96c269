/* Helpers: elements, buttons, an image as the drawing itself, lists that arrows walk through. */
const h = (tag, attributes, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...inside);
  return made;
};
/* English stands in the script; a report in another language brings what it says instead. */
const speaker = (said = {}) => (sentence, fields = {}) => (said[sentence] ?? sentence).replace(/{(\w+)}/g, (all, name) => fields[name] ?? all);
/* A sentence with elements in it. */
const filled = (sentence, fields) => sentence.split(/{(\w+)}/).flatMap((piece, i) => (i % 2 ? fields[piece] : piece));
const button = (text, label, onclick, more) => h("button", { type: "button", class: "gm-button", title: label, "aria-label": label, ...more, onclick }, text);
const code = (text) => h("code", { class: "gm-code" }, text);
const decode = (src) => decodeURIComponent(src.slice(src.indexOf(",") + 1));
/* In a shadow root the drawing takes the page's colours, and its own style stays within. */
const show = (image, name, style) => {
  const host = h("span", { class: name }), root = host.attachShadow({ mode: "open" });
  root.innerHTML = decode(image.src);
  root.querySelector("style").textContent = style;
  root.firstChild.setAttribute("aria-label", image.alt);
  host.style.cssText = image.style.cssText;
  root.firstChild.style.cssText = "width:100%;height:auto;display:block";
  image.replaceWith(host);
  return { host, root };
};
const NEXT = { ArrowDown: 1, ArrowUp: -1 };
const rove = (list, part) => {
  if (!list.length) return;
  part.setAttribute("data-lm-suppress-shortcuts", "true");
  list.forEach((item, i) => item.setAttribute("tabindex", i ? -1 : 0));
  part.addEventListener("keydown", (e) => {
    const i = list.indexOf(e.target), way = NEXT[e.key];
    let j = i + way;
    while (list[j] && !list[j].getClientRects().length) j += way; /* what a slider has hidden */
    const to = list[j];
    if (i < 0 || !to) return;
    e.preventDefault();
    list[i].tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
};
const copy = (text, from, copied) => {
  const said = from.textContent, done = () => { from.textContent = copied; setTimeout(() => { from.textContent = said; }, 1500); };
  const by_hand = () => {
    const area = h("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    from.after(area);
    area.select();
    if (document.execCommand("copy")) done();
    area.remove();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, by_hand);
  else by_hand();
};
