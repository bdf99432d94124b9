// Called as wengert(root): highlights, pictures by keyboard, the player, light and dark. Everything else is HTML.
(function (root) {
  "use strict";
  if (!root || root.dataset.ready) return;
  root.dataset.ready = "yes";
  const all = (selector, from) => Array.from((from || root).querySelectorAll(selector));
  const data = JSON.parse(root.querySelector("script.wg-data").textContent);

  // -- what belongs to a node: its rows and boxes, what it uses, what uses it -------------------------------------
  const places = new Map(); // number of a node -> elements that show it
  for (const element of all("[data-nodes]")) {
    for (const n of element.dataset.nodes.split(" ")) {
      if (!places.has(n)) places.set(n, []);
      places.get(n).push(element);
    }
  }
  let pinned = null;
  let lit = [];

  function light(element, name) {
    element.classList.add(name);
    lit.push([element, name]);
  }

  function edgesAt(box) {
    const svg = box.closest("svg");
    const k = box.dataset.box;
    return svg && k !== undefined ? all(`.wg-edge[data-from="${k}"], .wg-edge[data-to="${k}"]`, svg) : [];
  }

  function show(element) {
    for (const [e, name] of lit) e.classList.remove(name);
    lit = [];
    if (!element) return;
    light(element, "wg-hot");
    for (const edge of edgesAt(element)) light(edge, "wg-hot");
    for (const n of element.dataset.nodes ? element.dataset.nodes.split(" ") : []) {
      for (const e of places.get(n) || []) light(e, "wg-hot");
      for (const near of data.near[n] || []) for (const e of places.get(String(near)) || []) light(e, "wg-near");
    }
  }

  function pin(element) {
    for (const e of all('.wg-node[aria-pressed="true"]')) e.setAttribute("aria-pressed", "false");
    pinned = pinned === element ? null : element;
    if (pinned && pinned.hasAttribute("aria-pressed")) pinned.setAttribute("aria-pressed", "true");
    show(pinned);
  }

  for (const element of all(".wg-node, tr[data-nodes]")) {
    element.addEventListener("pointerenter", () => show(element));
    element.addEventListener("pointerleave", () => show(pinned));
    element.addEventListener("focus", () => show(element));
    element.addEventListener("blur", () => show(pinned));
  }

  // -- a picture is one stop of the Tab key; arrows go from box to box, Enter keeps a box marked ------------------
  function middle(box) {
    const r = box.getBoundingClientRect();
    return { x: r.left + r.width / 2, y: r.top + r.height / 2 };
  }

  function nearest(boxes, from, key) {
    const here = middle(from);
    const along = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
    let best = null;
    let least = Infinity;
    for (const box of boxes) {
      const there = middle(box);
      const dx = there.x - here.x;
      const dy = there.y - here.y;
      const ahead = dx * along[0] + dy * along[1];
      const aside = Math.abs(dx * along[1]) + Math.abs(dy * along[0]);
      const far = ahead + 2 * aside;
      if (box !== from && ahead > 4 && far < least) [best, least] = [box, far];
    }
    return best;
  }

  for (const svg of all("svg.wg-graph")) {
    const boxes = all(".wg-node", svg);
    boxes.forEach((box, k) => {
      box.setAttribute("tabindex", k ? "-1" : "0");
      if (box.localName === "g") {
        box.setAttribute("role", "button");
        box.setAttribute("aria-pressed", "false");
        box.addEventListener("click", () => pin(box));
      }
      box.addEventListener("keydown", (event) => {
        if (event.key.startsWith("Arrow")) {
          const next = nearest(boxes, box, event.key);
          event.preventDefault();
          if (!next) return;
          box.setAttribute("tabindex", "-1");
          next.setAttribute("tabindex", "0");
          next.focus();
        } else if (box.localName === "g" && (event.key === "Enter" || event.key === " ")) {
          event.preventDefault();
          pin(box);
        } else if (event.key === "Escape") {
          pin(pinned);
        }
      });
    });
  }

  // a picture wider than its frame can be looked at whole
  for (const frame of all(".wg-drawing")) {
    if (frame.scrollWidth <= frame.clientWidth + 1) continue;
    const first = frame.querySelector(".wg-node");
    if (first) frame.scrollLeft += middle(first).x - middle(frame).x;
    const fit = document.createElement("button");
    fit.type = "button";
    fit.className = "wg-whole";
    fit.textContent = "Whole picture";
    fit.setAttribute("aria-pressed", "false");
    fit.addEventListener("click", () => {
      fit.setAttribute("aria-pressed", String(frame.classList.toggle("wg-fit")));
    });
    frame.before(fit);
  }

  // a box that opens: its drawing is a <details> further down
  for (const link of all("a.wg-node")) {
    link.addEventListener("click", (event) => {
      const target = document.getElementById(link.getAttribute("href").slice(1));
      if (!target) return;
      event.preventDefault();
      for (let e = target; e && e !== root; e = e.parentElement) if (e.localName === "details") e.open = true;
      target.scrollIntoView({ block: "start", behavior: "smooth" });
      target.querySelector("summary").focus({ preventScroll: true });
    });
  }

  // -- the player: forward through the list, then back through the adjoints ---------------------------------------
  const player = root.querySelector(".wg-player");
  const steps = data.steps;
  if (player && steps.length) {
    const stage = root.querySelector(".wg-stage");
    const svg = stage.querySelector("svg");
    const says = root.querySelector(".wg-says");
    const slider = player.querySelector("input");
    const [back, play, on] = all("button", player);
    const into = new Map();
    const edges = all(".wg-edge", svg);
    for (const edge of edges) {
      if (!into.has(edge.dataset.to)) into.set(edge.dataset.to, []);
      into.get(edge.dataset.to).push(edge.dataset.from);
    }
    const boxes = all(".wg-node", svg);
    let timer = null;

    function boxesOf(step) {
      const half = step.forward ? "wg-primal" : "wg-adjoint";
      return boxes.filter((b) => b.classList.contains(half) && (b.dataset.nodes || "").split(" ").includes(String(step.node)));
    }

    // what has been computed by then: the boxes of the steps, and those between that only they need
    function reached(count) {
      const done = new Set();
      const stack = steps.slice(0, count).flatMap(boxesOf).map((b) => b.dataset.box);
      while (stack.length) {
        const k = stack.pop();
        if (done.has(k)) continue;
        done.add(k);
        stack.push(...(into.get(k) || []));
      }
      return done;
    }

    function go(count) {
      count = Math.max(0, Math.min(steps.length, count));
      slider.value = count;
      back.disabled = count === 0;
      on.disabled = count === steps.length;
      stage.classList.toggle("wg-stepping", count > 0);
      says.className = "wg-says";
      if (count === 0) {
        says.textContent = data.start;
        slider.setAttribute("aria-valuetext", "Not started");
        return show(pinned);
      }
      const step = steps[count - 1];
      const done = reached(count);
      for (const box of boxes) box.classList.toggle("wg-done", done.has(box.dataset.box));
      for (const e of edges) e.classList.toggle("wg-done", done.has(e.dataset.from) && done.has(e.dataset.to));
      says.classList.add(step.forward ? "wg-forward" : "wg-reverse");
      const title = document.createElement("strong");
      title.textContent = step.title;
      const lines = step.lines.map((text) => {
        const line = document.createElement("code");
        line.textContent = text;
        return line;
      });
      says.replaceChildren(title, ...lines);
      slider.setAttribute("aria-valuetext", `${step.title}: ${step.lines[0]}`);
      const now = boxesOf(step);
      show(now[0] || (places.get(String(step.node)) || [])[0]);
      if (now[0]) keepInView(now[0]);
    }

    function keepInView(box) {
      const frame = stage.getBoundingClientRect();
      const r = box.getBoundingClientRect();
      if (r.left < frame.left || r.right > frame.right) {
        stage.scrollBy({ left: r.left - frame.left - frame.width / 2 + r.width / 2, behavior: "smooth" });
      }
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    }

    const at = () => Number(slider.value);
    back.addEventListener("click", () => { stop(); go(at() - 1); });
    on.addEventListener("click", () => { stop(); go(at() + 1); });
    slider.addEventListener("input", () => { stop(); go(at()); });
    play.addEventListener("click", () => {
      if (timer) return stop();
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      go(at() === steps.length ? 0 : at() + 1);
      timer = setInterval(() => {
        go(at() + 1);
        if (at() === steps.length) stop();
      }, 1100);
    });
    player.hidden = false;
    says.hidden = false;
    go(0);
  }

  // -- light and dark ---------------------------------------------------------------------------------------------
  const theme = root.querySelector(".wg-theme");
  const asked = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => getComputedStyle(root).colorScheme === "dark";
  const told = () => theme.setAttribute("aria-pressed", String(isDark()));
  if (theme) {
    theme.hidden = false;
    theme.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      told();
    });
    asked.addEventListener("change", told);
    told();
  }
})
