// Edits a shopper's history: remove, move earlier or later (buttons or dragging), add by search. See history_editor.py.
// The page answers at once; Python checks the new order and sends it back with the list that follows from it.

const SEARCH_PAUSE = 120; // ms without a key before the search is asked

class Editor {
  constructor(root) {
    this.root = root;
    this.items = [];
    this.base = null;
    this.turn = 0; // edits made here; an answer to an older one is ignored
    this.list = element("ol", "history");
    this.status = element("p", "status");
    this.status.setAttribute("role", "status");
    this.label = element("label", "label");
    this.input = element("input", "search");
    this.input.type = "search";
    this.input.autocomplete = "off";
    this.input.maxLength = 80;
    this.input.id = `search-${Math.random().toString(36).slice(2)}`;
    this.label.htmlFor = this.input.id;
    this.found = element("ul", "found");
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), SEARCH_PAUSE);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { clearTimeout(this.timer); this.ask(); }
    });
    root.append(this.list, this.status, this.label, this.input, this.found);
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.label.textContent = data.words.add;
    this.input.placeholder = data.words.placeholder;
    this.list.setAttribute("aria-label", data.words.list);
    const opened = this.base !== data.base;
    if (opened) {
      this.base = data.base;
      this.turn = data.turn;
      this.status.textContent = "";
    }
    if (opened || data.turn >= this.turn) this.items = data.items;
    this.draw();
    if (opened) this.list.scrollTop = this.list.scrollHeight; // the newest product is at the end
    this.offer();
  }

  ask() {
    this.setStateValue("query", this.input.value);
  }

  send(message) {
    this.turn += 1;
    this.status.textContent = message;
    this.draw();
    this.setStateValue("edit", { base: this.base, turn: this.turn, history: this.items.map((item) => item.id) });
  }

  move(from, to) {
    if (to < 0 || to >= this.items.length || from === to) return;
    this.items = this.items.slice();
    const [item] = this.items.splice(from, 1);
    this.items.splice(to, 0, item);
    this.send(fill(this.data.words.moved, { title: item.title, place: to + 1, places: this.items.length }));
  }

  remove(place) {
    const item = this.items[place];
    this.items = this.items.filter((_, n) => n !== place);
    this.send(fill(this.data.words.removed, { title: item.title }));
  }

  add(item) {
    if (this.items.length >= this.data.limit) return;
    this.items = this.items.concat([item]);
    this.send(fill(this.data.words.added, { title: item.title, place: this.items.length }));
    this.list.scrollTop = this.list.scrollHeight;
  }

  card(item) {
    const card = element("span", "card");
    const picture = element("span", "picture", item.emoji);
    picture.style.background = item.colour;
    picture.setAttribute("aria-hidden", "true");
    const words = element("span", "words");
    words.append(element("span", "title", item.title), element("span", "detail", item.detail));
    card.append(picture, words);
    return card;
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
    const root = this.root.getRootNode();
    const focused = root.activeElement;
    const row = focused?.closest?.("li");
    const keep = row && this.list.contains(row) ? { action: focused.dataset.action, id: row.dataset.id, place: Number(row.dataset.place) } : null;
    const scroll = this.list.scrollTop;
    const { words } = this.data;
    this.list.replaceChildren(...this.items.map((item, place) => {
      const line = element("li");
      line.dataset.id = item.id;
      line.dataset.place = place;
      line.draggable = true;
      line.addEventListener("dragstart", (event) => {
        this.dragged = place;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", String(place));
      });
      line.addEventListener("dragover", (event) => { if (this.dragged !== undefined) { event.preventDefault(); line.classList.add("over"); } });
      line.addEventListener("dragleave", () => line.classList.remove("over"));
      line.addEventListener("dragend", () => { this.dragged = undefined; });
      line.addEventListener("drop", (event) => {
        event.preventDefault();
        line.classList.remove("over");
        const from = this.dragged;
        this.dragged = undefined;
        if (from !== undefined) this.move(from, place);
      });
      const named = { title: item.title };
      const number = element("span", "place", String(place + 1));
      number.setAttribute("aria-hidden", "true");
      line.append(
        number,
        this.card(item),
        this.button("earlier", "↑", fill(words.earlier, named), place === 0, () => this.move(place, place - 1)),
        this.button("later", "↓", fill(words.later, named), place === this.items.length - 1, () => this.move(place, place + 1)),
        this.button("remove", "✕", fill(words.remove, named), false, () => this.remove(place)),
      );
      return line;
    }));
    if (!this.items.length) this.list.append(element("li", "empty", words.empty));
    this.list.scrollTop = scroll;
    if (keep) this.refocus(keep);
  }

  refocus({ action, id, place }) {
    const lines = [...this.list.querySelectorAll("li[data-id]")];
    const near = lines.filter((line) => line.dataset.id === id)
      .sort((a, b) => Math.abs(a.dataset.place - place) - Math.abs(b.dataset.place - place))[0];
    const line = action === "remove" || !near ? lines[Math.min(place, lines.length - 1)] : near;
    const button = line?.querySelector(`button[data-action="${action}"]:not(:disabled)`) ?? line?.querySelector("button:not(:disabled)");
    button?.focus({ preventScroll: true });
  }

  offer() {
    const { words, results, query } = this.data;
    const full = this.items.length >= this.data.limit;
    this.found.replaceChildren(...results.map((item) => {
      const line = element("li");
      const button = element("button", "offer");
      button.type = "button";
      button.disabled = full;
      button.dataset.id = item.id;
      button.setAttribute("aria-label", fill(words.add_one, { title: item.title }));
      const plus = element("span", "plus", "+");
      plus.setAttribute("aria-hidden", "true");
      button.append(this.card(item), plus);
      button.addEventListener("click", () => this.add(item));
      line.append(button);
      return line;
    }));
    if (query && !results.length) this.found.append(element("li", "empty", words.nothing));
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let root = parentElement.querySelector(".history-editor");
  if (!root) {
    root = element("div", "history-editor");
    parentElement.appendChild(root);
    root.editor = new Editor(root);
  }
  root.editor.update(data, setStateValue);
}
