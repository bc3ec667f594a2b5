// A slider over the frames that are there so far; see frame_slider.py.
// While the learner holds it, nothing that arrives moves it; and what was sent is shown until Python has taken it.

const PAUSE = 100; // ms between two frames that are asked for while it is dragged
const STEP = 1000; // ms that a frame stays while it plays at ordinary speed
const SPEEDS = [1, 2, 4, 0.5];

class FrameSlider {
  constructor(root) {
    this.turn = 0; // moves made here; an answer to an older one is ignored
    this.held = false;
    this.label = document.createElement("label");
    this.value = document.createElement("output");
    this.input = document.createElement("input");
    this.input.type = "range";
    this.input.step = 1;
    this.input.id = `frame-${Math.random().toString(36).slice(2)}`;
    this.label.htmlFor = this.input.id;
    this.hint = document.createElement("p");
    this.hint.id = `${this.input.id}-hint`;
    this.input.setAttribute("aria-describedby", this.hint.id);
    this.input.addEventListener("pointerdown", () => { this.held = true; this.stop(); });
    this.play = this.button("play", () => (this.playing ? this.stop() : this.start()));
    this.speed = this.button("speed", () => this.faster());
    this.rate = SPEEDS[0];
    for (const end of ["pointerup", "pointercancel", "change", "blur"]) this.input.addEventListener(end, () => this.release());
    this.input.addEventListener("input", () => { this.stop(); this.move(); });
    const line = document.createElement("div");
    line.className = "line";
    line.append(this.label, this.value);
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.append(this.play, this.speed, this.hint);
    root.append(line, this.input, bar);
  }

  button(name, pressed) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = name;
    made.addEventListener("click", pressed);
    return made;
  }

  start() {
    if (Number(this.input.value) >= this.data.newest) this.show(this.data.first); // from the beginning
    this.playing = setTimeout(() => this.next(), STEP / this.rate);
    this.draw();
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = undefined;
    if (this.data) this.draw();
  }

  // One frame further, as soon as the page has drawn the last one: a slow machine plays slower and skips nothing.
  next() {
    if (!this.input.isConnected) return this.stop();
    const drawn = !this.timer && this.data.turn === this.turn;
    if (drawn) this.show(Number(this.input.value) + 1);
    if (Number(this.input.value) >= this.data.newest) return this.stop();
    this.playing = setTimeout(() => this.next(), drawn ? STEP / this.rate : PAUSE);
    this.draw();
  }

  show(frame) {
    this.input.value = frame;
    this.move();
  }

  faster() {
    this.rate = SPEEDS[(SPEEDS.indexOf(this.rate) + 1) % SPEEDS.length];
    this.draw();
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.label.textContent = data.words.label;
    this.hint.textContent = data.words.hint;
    this.input.min = data.first;
    this.input.max = data.last;
    this.turn = Math.max(this.turn, data.turn); // a slider that is drawn anew goes on where the last one was
    if (!this.held && !this.timer && data.turn === this.turn) this.input.value = data.frame;
    this.draw();
  }

  move() {
    if (Number(this.input.value) > this.data.newest) this.input.value = this.data.newest; // the rest is to come
    this.newest = Number(this.input.value) === this.data.newest; // as the learner saw it: soon there is a newer one
    this.draw();
    this.timer ??= setTimeout(() => this.send(), PAUSE);
  }

  send() {
    this.timer = undefined;
    this.turn += 1;
    this.setStateValue("move", { frame: Number(this.input.value), newest: this.newest, turn: this.turn });
  }

  release() {
    this.held = false;
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.send();
  }

  draw() {
    const { first, last, newest } = this.data;
    const frame = Number(this.input.value);
    const share = (n) => `${last > first ? (100 * (n - first)) / (last - first) : 100}%`;
    const place = this.data.names[frame - first] ?? String(frame); // what each frame is called
    this.value.textContent = place;
    const { play, pause, speed } = this.data.words;
    this.play.textContent = this.playing ? `❚❚ ${pause}` : `▶ ${play}`;
    this.speed.textContent = `${this.rate}×`;
    this.speed.setAttribute("aria-label", `${speed}: ${this.rate}×`);
    this.input.setAttribute("aria-valuetext", place);
    this.input.style.setProperty("--at", share(frame));
    this.input.style.setProperty("--there", share(newest));
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let root = parentElement.querySelector(".frame-slider");
  if (!root) {
    root = document.createElement("div");
    root.className = "frame-slider";
    parentElement.appendChild(root);
    root.slider = new FrameSlider(root);
  }
  root.slider.update(data, setStateValue);
}
