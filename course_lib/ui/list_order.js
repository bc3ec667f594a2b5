// A list that is put in order by dragging (mouse, pen, finger), by buttons, or by the arrow keys. See list_order.py.
// The page answers at once; Python sends the order back with the sums that follow from it.

class Order {
  constructor(root) {
    this.root = root;
    this.rows = [];
    this.name = null;
    this.turn = 0; // moves made here; an answer to an older one is ignored
    this.dragged = null;
    this.list = element("ol", "order");
    this.status = element("p", "status");
    this.status.setAttribute("role", "status");
    this.list.addEventListener("pointermove", (event) => this.drag(event));
    this.list.addEventListener("pointerup", () => this.drop(true));
    this.list.addEventListener("pointercancel", () => this.drop(false));
    root.append(this.list, this.status);
  }

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const opened = this.name !== data.name;
    const words = this.data && this.data.words.list !== data.words.list;
    this.data = data;
    this.list.setAttribute("aria-label", data.words.list);
    if (opened) {
      this.name = data.name;
      this.turn = Math.max(this.turn, data.turn);
      this.status.textContent = data.words.k;
    }
    if (words) this.status.textContent = data.words.k;
    if (this.dragged !== null) return; // not under the finger
    if (opened || data.turn >= this.turn) this.rows = data.rows;
    this.draw();
  }

  send(row) {
    this.turn += 1;
    const place = this.rows.indexOf(row) + 1;
    this.status.textContent = fill(this.data.words.moved, { title: row.title, place, places: this.rows.length });
    this.setStateValue("order", { name: this.name, turn: this.turn, places: this.rows.map((one) => one.was) });
  }

  shift(from, to) {
    if (to < 0 || to >= this.rows.length || from === to) return false;
    this.rows = this.rows.slice();
    const [row] = this.rows.splice(from, 1);
    this.rows.splice(to, 0, row);
    return true;
  }

  step(row, by) {
    const from = this.rows.indexOf(row);
    if (!this.shift(from, from + by)) return;
    this.draw();
    this.send(row);
  }

  grab(row, line, event) {
    const scrolls = event.pointerType === "touch" && !event.target.closest(".grip, .picture"); // a finger on the words
    if (event.button !== 0 || scrolls || this.dragged !== null) return;
    event.preventDefault();
    this.dragged = { row, line, before: this.rows, pointer: event.pointerId };
    this.list.setPointerCapture(event.pointerId);
    line.classList.add("dragged");
  }

  drag(event) {
    if (this.dragged === null || event.pointerId !== this.dragged.pointer) return;
    const { row, line } = this.dragged;
    const boxes = [...this.list.children].map((one) => one.getBoundingClientRect());
    const place = Math.min(boxes.filter((box) => event.clientY > box.bottom).length, this.rows.length - 1);
    const from = this.rows.indexOf(row);
    if (!this.shift(from, place)) return;
    for (let n = from; n > place; n -= 1) line.after(line.previousElementSibling); // the others move: a line that is
    for (let n = from; n < place; n += 1) line.before(line.nextElementSibling); // taken out loses the finger on it
    [...this.list.children].forEach((one, n) => this.number(one, n));
  }

  drop(kept) {
    if (this.dragged === null) return;
    const { row, before } = this.dragged;
    this.dragged = null;
    if (!kept) this.rows = before;
    this.draw();
    if (this.rows.indexOf(row) !== before.indexOf(row)) this.send(row);
  }

  number(line, place) {
    line.querySelector(".place").textContent = String(place + 1);
    line.classList.toggle("last", place === this.data.k - 1 && place < this.rows.length - 1);
  }

  button(action, sign, label, disabled, run) {
    const button = element("button", action, sign);
    button.type = "button";
    button.dataset.action = action;
    button.disabled = disabled;
    button.setAttribute("aria-label", label);
    button.title = label;
    button.addEventListener("click", () => run());
    return button;
  }

  draw() {
    const focused = this.root.getRootNode().activeElement;
    const held = focused?.closest?.("li");
    const keep = held && this.list.contains(held) ? { action: focused.dataset.action, was: held.dataset.was } : null;
    const { words } = this.data;
    this.list.replaceChildren(...this.rows.map((row, place) => {
      const line = element("li");
      line.dataset.was = row.was;
      line.classList.toggle("hit", Boolean(row.hit));
      const number = element("span", "place");
      number.setAttribute("aria-hidden", "true");
      const grip = element("span", "grip", "⠿");
      grip.setAttribute("aria-hidden", "true"); // the buttons do the same for who cannot drag
      const handle = element("span", "handle");
      const picture = element("span", "picture", row.emoji);
      picture.style.background = row.colour;
      picture.setAttribute("aria-hidden", "true");
      const text = element("span", "words");
      text.append(element("span", "title", row.title), element("span", "detail", row.hit ? `★ ${row.hit} · ${row.detail}` : row.detail));
      handle.append(grip, picture, text);
      handle.addEventListener("pointerdown", (event) => this.grab(row, line, event));
      const named = { title: row.title };
      line.append(
        number,
        handle,
        this.button("up", "↑", fill(words.up, named), place === 0, () => this.step(row, -1)),
        this.button("down", "↓", fill(words.down, named), place === this.rows.length - 1, () => this.step(row, 1)),
      );
      line.addEventListener("keydown", (event) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!by) return;
        event.preventDefault(); // the page would scroll
        this.step(row, by);
      });
      this.number(line, place);
      return line;
    }));
    if (keep) this.refocus(keep);
  }

  refocus({ action, was }) {
    const line = [...this.list.children].find((one) => one.dataset.was === was);
    const button = line?.querySelector(`button[data-action="${action}"]:not(:disabled)`) ?? line?.querySelector("button:not(:disabled)");
    button?.focus({ preventScroll: true });
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let root = parentElement.querySelector(".list-order");
  if (!root) {
    root = element("div", "list-order");
    parentElement.appendChild(root);
    root.order = new Order(root);
  }
  root.order.update(data, setStateValue);
}
