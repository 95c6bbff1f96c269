(() => {
  /* Each image of a drawing becomes the drawing itself, in a shadow root: in the page's colours, and alive. */
  const decode = (src) => new TextDecoder().decode(Uint8Array.from(atob(src.split(",")[1]), (c) => c.charCodeAt(0)));
  for (const report of document.querySelectorAll(".gradmagic:not([data-live])")) {
    report.dataset.live = "1";
    const drawings = [];
    for (const image of report.querySelectorAll("img.gm-svg")) {
      const host = document.createElement("span");
      host.className = "gm-live";
      const root = host.attachShadow({ mode: "open" });
      root.innerHTML = decode(image.src);
      host.style.cssText = image.style.cssText;
      root.firstChild.style.cssText = "width:100%;height:auto;display:block";
      image.replaceWith(host);
      drawings.push(root);
    }
    const within = (root) => [...root.querySelectorAll(".e[data-s]")];
    const light = (key) => {
      for (const item of report.querySelectorAll("[data-k]")) item.classList.toggle("gm-on", item.dataset.k === key);
      for (const root of drawings) {
        const edges = within(root), on = new Set(key ? [key] : []), lit = new Set();
        for (let before = -1; before < lit.size; ) {
          before = lit.size;
          for (const edge of edges) if (on.has(edge.dataset.s) && !lit.has(edge)) { lit.add(edge); on.add(edge.dataset.d); }
        }
        const known = key && root.querySelector(`.n[data-k="${key}"]`);
        for (const edge of root.querySelectorAll(".e")) edge.classList.toggle("dim", !!known && !lit.has(edge));
        for (const node of root.querySelectorAll(".n")) {
          node.classList.toggle("dim", !!known && !on.has(node.dataset.k));
          node.classList.toggle("on", !!known && node.dataset.k === key);
        }
      }
    };
    const listen = (target) => {
      for (const event of ["mouseover", "focusin"])
        target.addEventListener(event, (e) => light(e.target.closest?.("[data-k]")?.dataset.k));
      for (const event of ["mouseleave", "focusout"]) target.addEventListener(event, () => light());
    };
    listen(report);
    for (const root of drawings) {
      listen(root);
      root.firstChild.addEventListener("mouseleave", () => light());
    }
  }
})();
