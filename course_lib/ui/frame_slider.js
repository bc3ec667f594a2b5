// A slider over the frames that are there so far; see frame_slider.py.
// While the learner holds it, nothing that arrives moves it; and what was sent is shown until Python has taken it.

const PAUSE = 100; // ms between two frames that are asked for while it is dragged

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
    this.input.addEventListener("pointerdown", () => { this.held = true; });
    for (const end of ["pointerup", "pointercancel", "change", "blur"]) this.input.addEventListener(end, () => this.release());
    this.input.addEventListener("input", () => this.move());
    const line = document.createElement("div");
    line.className = "line";
    line.append(this.label, this.value);
    root.append(line, this.input, this.hint);
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
