
/**
 * What a thread did over time: the time in each state up to each of some moments, between which it grows evenly.
 * The share of a state in any part of the time is then found without a look at what lies in between.
 */
class Course {
  constructor(count, states) {
    this.times = new Float64Array(count + 1); // s
    this.sums = Array.from({ length: states }, () => new Float64Array(count + 1));
    this.count = 0;
  }

  /** Add a time with the shares of the states in it. */
  add(until, shares) {
    const length = until - this.times[this.count];
    this.sums.forEach((sums, state) => {
      sums[this.count + 1] = sums[this.count] + length * (shares[state] ?? 0);
    });
    this.times[++this.count] = until;
  }

  /** Add a time in one state; of another number, in none. */
  stay(until, state) {
    const now = this.count++;
    for (const sums of this.sums) sums[now + 1] = sums[now];
    if (state < this.sums.length) this.sums[state][now + 1] += until - this.times[now];
    this.times[now + 1] = until;
  }

  /** Return the number of the part that contains a moment, which is not before that of another number. */
  part(moment, from = 0) {
    let low = from;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= moment) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Write the time in each state until a moment, which is in a part. */
  until(moment, part, into) {
    const begin = this.times[part];
    const share = Math.min(1, (moment - begin) / (this.times[part + 1] - begin));
    for (let state = 0; state < this.sums.length; state++) {
      const sums = this.sums[state];
      into[state] = sums[part] + share * (sums[part + 1] - sums[part]);
    }
  }

  /** Return the share of each state between two moments. */
  shares(from, to) {
    const before = [];
    const after = [];
    this.until(from, this.part(from), before);
    this.until(to, this.part(to), after);
    return before.map((time, state) => (after[state] - time) / (to - from));
  }
}

/** Read stays in states: numbers of seven bits a byte, the lowest first, each of which is ticks * 8 + state. */
function readStays(text, tick, states, length) {
  const bytes = atob(text);
  let count = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes.charCodeAt(at) < 128) count++;
  const course = new Course(count + 1, states);
  let ticks = 0;
  let number = 0;
  let factor = 1;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes.charCodeAt(at);
    number += (byte & 127) * factor;
    factor *= 128;
    if (byte < 128) {
      ticks += Math.floor(number / 8);
      course.stay(ticks * tick, number % 8);
      number = 0;
      factor = 1;
    }
  }
  if (course.times[course.count] < length) course.stay(length, states); // the thread has ended
  return course;
}

/** Read equal pieces of the time, with the share of each state in them. */
function readPieces(states, length) {
  const count = states[0].length;
  const course = new Course(count, states.length);
  for (let piece = 0; piece < count; piece++) {
    course.add(((piece + 1) * length) / count, states.map((shares) => shares[piece]));
  }
  return course;
}

/** The lanes of some threads, drawn on a canvas, of which any part of the time can be enlarged. */
class ThreadLanes {
  static LANE = 22; // px
  static GAP = 4;
  static AXIS = 22;
  static TICK = 90; // px between two labels of the axis, at least
  static DRAG = 5; // px from which a movement is no click

  constructor(figure, data) {
    this.data = data;
    this.length = data.seconds;
    this.courses = data.stays
      ? data.stays.map((text) => readStays(text, data.tick, data.states.length, data.seconds))
      : data.pieces.map((states) => readPieces(states, data.seconds));
    this.shortest = data.stays ? Math.min(1e-5, this.length) : this.length / 20; // s that can be shown
    this.colors = data.states.map(({ color }) => {
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0; // as a canvas has it in memory
    });
    [this.from, this.to] = [0, this.length];
    this.lane = 0; // that the keys tell of
    this.drag = null;
    this.paint = oncePerFrame(() => this.draw());
    this.build(figure);
  }

  build(figure) {
    const key = (state) =>
      html("li", {}, svg("svg", { width: 12, height: 12 }, svg("rect", { width: 12, height: 12, fill: state.color })), state.title);
    const legend = html("ul", { class: "legend" }, ...this.data.states.map(key));
    const controls = html(
      "div",
      { class: "controls" },
      button("Zoom in", () => this.scale(0.5)),
      button("Zoom out", () => this.scale(2)),
      button("Left", () => this.move(-0.25)),
      button("Right", () => this.move(0.25)),
      button("Show all", () => this.show(0, this.length)),
    );
    this.canvas = html("canvas");
    const title = figure.querySelector("h3").textContent;
    this.area = html("div", { class: "lanes", tabindex: "0", role: "application", "aria-label": title }, this.canvas);
    this.range = html("p", { role: "status", class: "told" });
    this.told = html("p", { class: "told" });
    const hint = html(
      "p",
      { class: "note" },
      "Drag to enlarge a part, drag with Shift to move, and turn the wheel with Ctrl to zoom. Keys: + and - zoom, 0 shows ",
      "all, left and right move, and up and down choose a thread.",
    );
    this.live = html("div", { class: "interactive" }, legend, controls, this.area, this.range, this.told, hint);
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.pull(event));
    this.canvas.addEventListener("pointerup", (event) => this.release(event));
    this.canvas.addEventListener("pointercancel", () => this.abandon());
    this.canvas.addEventListener("wheel", (event) => this.turn(event), { passive: false });
    this.area.addEventListener("keydown", (event) => this.type(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.paint);
    replacePicture(figure, this.live);
    onWidth(this.area, (width) => {
      this.width = width;
      this.names = Math.min(180, Math.round(width * 0.3));
      this.show(this.from, this.to);
    });
  }

  // --- what is shown ---

  /** Show a part of the time, moved or widened so that it is inside and not too short. */
  show(from, to) {
    const span = Math.min(this.length, Math.max(this.shortest, to - from));
    this.from = Math.min(Math.max(0, from), this.length - span);
    this.to = this.from + span;
    this.tellRange();
    this.paint();
  }

  /** Show more or less around a moment. */
  scale(factor, around = (this.from + this.to) / 2) {
    this.show(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  move(share) {
    const step = share * (this.to - this.from);
    this.show(this.from + step, this.to + step);
  }

  /** Write a moment as precisely as the part that is shown needs it. */
  moment(time, step = (this.to - this.from) / 100) {
    return time.toFixed(Math.max(0, -Math.floor(Math.log10(step))));
  }

  tellRange() {
    const shares = this.courses[this.lane].shares(this.from, this.to);
    const states = this.data.states.map((state, number) => `${state.title} ${percent(shares[number])}`);
    this.range.textContent =
      `Shown: ${this.moment(this.from)} s to ${this.moment(this.to)} s of ${this.moment(this.length, this.length / 100)} s. ` +
      `${this.data.names[this.lane]}: ${states.join(", ")}`;
  }

  // --- drawing ---

  get top() {
    return this.courses.length * (ThreadLanes.LANE + ThreadLanes.GAP);
  }

  draw() {
    const dense = Math.min(devicePixelRatio, 2);
    const height = this.top + ThreadLanes.AXIS;
    const [wide, high] = [Math.round(this.width * dense), Math.round(height * dense)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      [this.canvas.width, this.canvas.height] = [wide, high];
      this.canvas.style.height = `${height}px`;
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, wide, high);
    const columns = Math.max(1, Math.round((this.width - this.names) * dense));
    const rows = Math.round(ThreadLanes.LANE * dense);
    if (this.image?.width !== columns || this.image.height !== rows) this.image = new ImageData(columns, rows);
    const pixels = new Uint32Array(this.image.data.buffer);
    this.courses.forEach((course, number) => {
      this.fill(course, pixels, columns, rows);
      const top = number * (ThreadLanes.LANE + ThreadLanes.GAP);
      context.putImageData(this.image, Math.round(this.names * dense), Math.round(top * dense));
    });
    context.setTransform(dense, 0, 0, dense, 0, 0);
    this.drawTexts(context);
    if (this.drag?.selects) {
      const [left, right] = [this.drag.begin, this.drag.end].sort((one, other) => one - other);
      context.globalAlpha = 0.25;
      context.fillRect(left, 0, right - left, this.top);
      context.globalAlpha = 1;
      context.strokeRect(left, 0.5, right - left, this.top - 1);
    }
  }

  /** Fill the pixels of a lane: in each column, the states are stacked by their shares of its time. */
  fill(course, pixels, columns, rows) {
    const states = this.colors.length;
    let before = new Float64Array(states);
    let after = new Float64Array(states);
    const step = (this.to - this.from) / columns;
    let part = course.part(this.from);
    course.until(this.from, part, before);
    pixels.fill(0);
    for (let column = 0; column < columns; column++) {
      const moment = this.from + (column + 1) * step;
      part = course.part(moment, part);
      course.until(moment, part, after);
      let row = rows;
      let share = 0;
      for (let state = 0; state < states; state++) {
        share += (after[state] - before[state]) / step;
        const end = rows - Math.min(rows, Math.round(share * rows));
        while (row > end) pixels[--row * columns + column] = this.colors[state];
      }
      [before, after] = [after, before];
    }
  }

  drawTexts(context) {
    context.fillStyle = context.strokeStyle = getComputedStyle(this.area).color;
    context.font = "12px sans-serif";
    context.textBaseline = "middle";
    this.data.names.forEach((name, lane) => {
      context.font = `${lane === this.lane ? "bold " : ""}12px sans-serif`;
      const middle = lane * (ThreadLanes.LANE + ThreadLanes.GAP) + ThreadLanes.LANE / 2;
      context.fillText(this.fitted(context, name), 0, middle);
    });
    context.font = "12px sans-serif";
    const step = this.step();
    for (let mark = Math.ceil(this.from / step); mark * step <= this.to; mark++) {
      const left = this.place(mark * step);
      context.fillRect(left, this.top, 1, 4);
      const text = `${this.moment(mark * step, step)} s`;
      const width = context.measureText(text).width;
      context.fillText(text, Math.min(left - width / 2, this.width - width), this.top + 14);
    }
  }

  /** Shorten a name until it fits before its lane. */
  fitted(context, name) {
    let text = name;
    for (let letters = name.length - 1; letters > 1 && context.measureText(text).width > this.names - 8; letters--) {
      text = `${name.slice(0, letters)}…`;
    }
    return text;
  }

  /** Return the time between two marks of the axis: 1, 2, or 5 times a power of ten. */
  step() {
    const least = ((this.to - this.from) * ThreadLanes.TICK) / (this.width - this.names);
    const power = 10 ** Math.floor(Math.log10(least));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
  }

  place(time) {
    return this.names + ((time - this.from) / (this.to - this.from)) * (this.width - this.names);
  }

  // --- the pointer ---

  left(event) {
    const left = event.clientX - this.canvas.getBoundingClientRect().left;
    return Math.min(this.width, Math.max(this.names, left));
  }

  time(left) {
    return this.from + ((left - this.names) / (this.width - this.names)) * (this.to - this.from);
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const begin = this.left(event);
    this.drag = { begin, end: begin, selects: !event.shiftKey, from: this.from, to: this.to };
  }

  pull(event) {
    if (!this.drag) return this.tell(event);
    this.drag.end = this.left(event);
    if (this.drag.selects) return this.paint();
    const moved = ((this.drag.begin - this.drag.end) / (this.width - this.names)) * (this.to - this.from);
    this.show(this.drag.from + moved, this.drag.to + moved);
  }

  release(event) {
    const drag = this.drag;
    this.abandon();
    if (!drag?.selects) return;
    const [left, right] = [drag.begin, drag.end].sort((one, other) => one - other);
    if (right - left >= ThreadLanes.DRAG) this.show(this.time(left), this.time(right));
    else this.choose(this.laneAt(event));
  }

  abandon() {
    this.drag = null;
    this.paint();
  }

  turn(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.scale(event.deltaY > 0 ? 1.25 : 0.8, this.time(this.left(event)));
  }

  laneAt(event) {
    const top = event.clientY - this.canvas.getBoundingClientRect().top;
    return Math.min(this.courses.length - 1, Math.max(0, Math.floor(top / (ThreadLanes.LANE + ThreadLanes.GAP))));
  }

  /** Tell what a thread does at the moment under the pointer. */
  tell(event) {
    const lane = this.laneAt(event);
    const course = this.courses[lane];
    const moment = this.time(this.left(event));
    const part = course.part(moment);
    const [begin, end] = [course.times[part], course.times[part + 1]];
    const shares = course.shares(begin, end);
    const states = this.data.states.map((state, number) =>
      shares[number] > 0.999 ? state.title : shares[number] > 0 ? `${state.title} ${percent(shares[number])}` : "",
    );
    const does = states.filter(Boolean).join(", ") || "does not exist";
    this.told.textContent = `${this.moment(moment)} s, ${this.data.names[lane]}: ${does}, for ${seconds(end - begin)}`;
  }

  // --- the keyboard ---

  choose(lane) {
    this.lane = lane;
    this.tellRange();
    this.paint();
  }

  type(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.courses.length - 1;
    const span = this.to - this.from;
    const keys = {
      "+": () => this.scale(0.5),
      "=": () => this.scale(0.5),
      "-": () => this.scale(2),
      0: () => this.show(0, this.length),
      Escape: () => this.show(0, this.length),
      ArrowLeft: () => this.move(-0.25),
      ArrowRight: () => this.move(0.25),
      Home: () => this.show(0, span),
      End: () => this.show(this.length - span, this.length),
      ArrowUp: () => this.choose(Math.max(0, this.lane - 1)),
      ArrowDown: () => this.choose(Math.min(last, this.lane + 1)),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }
}
