
/** A flame graph that can be searched and zoomed. Callers are above the functions that they call. */
class FlameGraph {
  static ROW = 18; // px
  static LETTER = 6.7;
  static NARROWEST = 0.7;

  constructor(figure, data) {
    this.data = data;
    this.folded = data.names.map((name) => name.toLowerCase());
    this.boxes = this.read(data.nodes);
    this.root = this.current = this.boxes[0];
    this.matches = new Set(); // numbers of names
    this.shown = new Map(); // from a box to its element
    this.width = 960;
    this.build(figure);
  }

  /** Return the boxes, callers first; the heaviest callee comes first, and is on the left. */
  read(nodes) {
    const boxes = [];
    const path = []; // the last box of each level
    for (let at = 0; at < nodes.length; at += 3) {
      const [name, weight, level] = nodes.slice(at, at + 3);
      const caller = path[level - 1];
      const box = { name, weight, level, caller, callees: [], left: caller ? caller.next : 0 };
      box.next = box.left; // where its next callee begins
      if (caller) {
        caller.next += weight;
        caller.callees.push(box);
      }
      path[level] = box;
      boxes.push(box);
    }
    return boxes;
  }

  build(figure) {
    this.search = html("input", { type: "search", spellcheck: "false", autocomplete: "off" });
    this.found = html("span", { role: "status", class: "note" });
    this.reset = button("Show all", () => this.zoom(this.boxes[0]));
    const title = figure.querySelector("h3").textContent;
    this.graph = svg("svg", { role: "tree", "aria-label": title, class: "flames" });
    this.told = html("p", { class: "told" });
    this.code = html("pre", { class: "told" });
    const controls = html("div", { class: "controls" }, html("label", {}, "Search ", this.search), this.reset, this.found);
    const hint = html(
      "p",
      { class: "note" },
      "Click a box to enlarge it. Keys: the arrows move, Enter enlarges, and Escape shows all.",
      this.data.leftOut ? ` ${this.data.leftOut} narrow boxes are left out.` : "",
    );
    this.live = html("div", { class: "interactive" }, controls, this.graph, this.told, this.code, hint);
    this.search.addEventListener("input", () => this.seek(this.search.value));
    this.graph.addEventListener("click", (event) => this.withBox(event, (box) => this.zoom(box)));
    this.graph.addEventListener("focusin", (event) => this.withBox(event, (box) => this.tell(box)));
    this.graph.addEventListener("pointerover", (event) => this.withBox(event, (box) => this.tell(box)));
    this.graph.addEventListener("pointerleave", () => this.tell(this.current));
    this.graph.addEventListener("keydown", (event) => this.press(event));
    replacePicture(figure, this.live);
    onWidth(this.live, (width) => {
      this.width = width;
      this.draw();
    });
  }

  withBox(event, work) {
    const element = event.target.closest("g");
    if (element?.box) work(element.box);
  }

  amount(box) {
    const whole = this.boxes[0].weight;
    const weight = this.data.unit === "s" ? seconds(box.weight) : `${Math.round(box.weight)} ${this.data.unit}`;
    return `${weight}, ${percent(box.weight / whole)}`;
  }

  /** Show what is known of a box below the graph. */
  tell(box) {
    const inside = box.callees.reduce((sum, callee) => sum + callee.weight, 0);
    const own = percent(Math.max(0, box.weight - inside) / this.boxes[0].weight);
    this.told.textContent = `${this.data.names[box.name]}: ${this.amount(box)}; itself ${own}`;
    this.code.textContent = this.data.sources[box.name] ?? "";
    this.code.hidden = !this.code.textContent;
  }

  /** Mark the functions whose names contain a text, and tell how much they are of the whole. */
  seek(text) {
    const wanted = text.trim().toLowerCase();
    this.matches = new Set();
    if (wanted) this.folded.forEach((name, number) => name.includes(wanted) && this.matches.add(number));
    const whole = this.boxes[0].weight;
    const share = (box) =>
      this.matches.has(box.name) ? box.weight : box.callees.reduce((sum, callee) => sum + share(callee), 0);
    const count = this.matches.size === 1 ? "1 name" : `${this.matches.size} names`;
    const least = this.data.leftOut ? "at least " : ""; // what is left out is not searched
    const told = `${least}${percent(share(this.boxes[0]) / whole)} of ${this.data.whole}, ${count}`;
    this.found.textContent = wanted ? told : "";
    for (const [box, element] of this.shown) this.mark(box, element);
  }

  mark(box, element) {
    element.classList.toggle("match", this.matches.has(box.name));
    element.classList.toggle("dim", this.matches.size > 0 && !this.matches.has(box.name));
  }

  /** Let a box have the whole width. */
  zoom(box) {
    const focused = this.graph.contains(document.activeElement);
    this.root = this.current = box;
    this.draw();
    if (focused) this.focus(box);
  }

  focus(box) {
    this.shown.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = box;
    const element = this.shown.get(box);
    element?.setAttribute("tabindex", "0");
    element?.focus();
  }

  draw() {
    this.shown.clear();
    const around = [];
    for (let box = this.root.caller; box; box = box.caller) around.unshift(box);
    const scale = this.width / this.root.weight;
    const inside = [this.root];
    for (const box of inside) {
      inside.push(...box.callees.filter((callee) => callee.weight * scale >= FlameGraph.NARROWEST));
    }
    const all = [...around, ...inside];
    const height = (Math.max(...all.map((box) => box.level)) + 1) * FlameGraph.ROW;
    filled(this.graph, { width: this.width, height, viewBox: `0 0 ${this.width} ${height}` }, []);
    this.graph.replaceChildren(...all.map((box) => this.element(box, scale)));
    this.reset.disabled = this.root === this.boxes[0];
    this.shown.get(this.current)?.setAttribute("tabindex", "0");
    this.tell(this.current);
  }

  element(box, scale) {
    const outer = box.level < this.root.level;
    const left = outer ? 0 : (box.left - this.root.left) * scale;
    const width = outer ? this.width : box.weight * scale;
    const top = box.level * FlameGraph.ROW;
    const name = this.data.names[box.name];
    const label = `${name}: ${this.amount(box)}`;
    const made = svg(
      "g",
      { role: "treeitem", tabindex: "-1", "aria-level": box.level + 1, "aria-label": label },
      svg("title", {}, label),
      svg("rect", {
        x: left.toFixed(1),
        y: top,
        width: Math.max(FlameGraph.NARROWEST, width - 0.6).toFixed(1),
        height: FlameGraph.ROW - 1,
        fill: this.data.color,
        "fill-opacity": this.data.tints[box.name],
      }),
    );
    const letters = Math.floor((width - 6) / FlameGraph.LETTER);
    if (letters >= 3) {
      const text = name.length <= letters ? name : `${name.slice(0, letters - 1)}…`;
      made.append(svg("text", { x: (left + 3).toFixed(1), y: top + FlameGraph.ROW - 6 }, text));
    }
    made.classList.toggle("outer", outer);
    made.box = box;
    this.mark(box, made);
    this.shown.set(box, made);
    return made;
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const beside = (step) => {
      const row = [...this.shown.keys()].filter((box) => box.level === this.current.level);
      return row.sort((one, other) => one.left - other.left)[row.indexOf(this.current) + step];
    };
    const moves = {
      ArrowUp: () => this.current.caller,
      ArrowDown: () => this.below(this.current),
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
      Home: () => this.root,
    };
    if (Object.hasOwn(moves, event.key)) {
      const box = moves[event.key]();
      if (box && this.shown.has(box)) this.focus(box);
    } else if (event.key === "Enter" || event.key === " ") this.zoom(this.current);
    else if (event.key === "Escape") this.zoom(this.boxes[0]);
    else return;
    event.preventDefault();
  }

  /** Return the box below another one: above the zoomed one, its caller; else the heaviest callee. */
  below(box) {
    return box.callees.find((callee) => this.shown.has(callee));
  }
}
