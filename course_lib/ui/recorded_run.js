// A recorded run that plays by itself once; see recorded.py. Nothing goes back to the server.

const FRAME_MS = 380; // about six seconds for a run's frames
const WIDTH = 320, HEIGHT = 150, LEFT = 4, RIGHT = 96, TOP = 8, BOTTOM = 8;

function cardOf(one, chance) {
  const card = element("div", "card");
  const picture = element("span", "picture", one.emoji);
  picture.style.background = `${one.colour}22`;
  picture.setAttribute("aria-hidden", "true");
  card.append(picture, element("span", "title", one.title));
  card.title = one.title;
  if (chance !== undefined) {
    card.append(element("span", "chance", `${(100 * chance).toFixed(chance < 0.095 ? 1 : 0)}%`));
    const bar = element("span", "bar");
    bar.style.width = `${Math.min(100, 100 * chance)}%`;
    card.append(bar);
  }
  return card;
}

class RecordedRun {
  constructor(root) {
    this.root = root;
    this.chosen = 0;
    this.frame = 0;
    this.left = element("div");
    this.right = element("div");
    this.bought = element("h3");
    this.history = element("ol");
    this.question = element("p", "question");
    this.button = element("button");
    this.button.type = "button";
    this.button.addEventListener("click", () => this.swap());
    this.left.append(this.bought, this.history, this.button);
    this.title = element("h3");
    this.list = element("ol");
    this.curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.curve.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.curve.setAttribute("role", "img");
    const line = element("div", "line");
    this.again = element("button", "quiet");
    this.again.type = "button";
    this.again.addEventListener("click", () => this.play());
    this.slider = element("input");
    this.slider.type = "range";
    this.slider.min = 0;
    this.slider.addEventListener("input", () => { this.stop(); this.frame = Number(this.slider.value); this.draw(); });
    this.place = element("output");
    line.append(this.again, this.slider, this.place);
    this.right.append(this.title, this.list);
    this.third = element("div", "third");
    this.curveTitle = element("h3");
    this.third.append(this.curveTitle, this.curve, line);
    this.note = element("p", "note");
    this.spoken = element("p", "spoken");
    this.spoken.setAttribute("aria-live", "polite");
    root.append(this.question, this.left, this.right, this.third, this.note, this.spoken);
  }

  update(data) {
    const words = JSON.stringify(data);
    if (words === this.told) return;
    const first = this.told === undefined;
    this.told = words;
    this.data = data;
    this.bought.textContent = data.words.bought;
    this.question.textContent = data.question;
    this.button.textContent = data.words.swap;
    this.again.textContent = data.words.play;
    this.note.textContent = data.words.recorded;
    this.curveTitle.textContent = data.words.learns;
    this.slider.max = data.frames.length - 1;
    this.slider.setAttribute("aria-label", data.words.epoch.replace("{epoch}", "").trim());
    if (first) this.play(); else this.draw();
  }

  play() {
    this.stop();
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.frame = this.data.frames.length - 1;
      this.draw();
      return;
    }
    this.frame = 0;
    this.draw();
    this.timer = setInterval(() => {
      if (this.frame >= this.data.frames.length - 1 || !this.root.isConnected) { this.stop(); return; }
      this.frame += 1;
      this.draw();
    }, FRAME_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  swap() {
    this.stop();
    this.frame = this.data.frames.length - 1;
    this.chosen = 1 - this.chosen;
    this.draw();
    const { lists, products } = this.data.histories[this.chosen];
    const names = lists[this.frame].map(([item]) => products[item].title);
    this.spoken.textContent = `${this.data.words.list}: ${names.join(", ")}`;
  }

  draw() {
    const { histories, frames, words } = this.data;
    const now = histories[this.chosen];
    this.history.replaceChildren();
    now.items.forEach((one, place) => {
      if (place) this.history.append(element("li", "then", words.then));
      const row = element("li");
      row.append(cardOf(one));
      this.history.append(row);
    });
    this.title.textContent = words.list;
    const before = this.shown ?? [];
    const list = now.lists[this.frame];
    this.list.replaceChildren();
    list.forEach(([item, chance], place) => {
      const row = element("li");
      const card = cardOf(now.products[item], chance);
      if (before.length && before[place] !== item) card.classList.add("moved");
      row.append(card);
      this.list.append(row);
    });
    this.shown = list.map(([item]) => item);
    this.slider.value = this.frame;
    const epoch = Number(frames[this.frame].epoch.toPrecision(3));
    this.place.textContent = words.epoch.replace("{epoch}", epoch);
    this.slider.setAttribute("aria-valuetext", this.place.textContent);
    this.drawCurve();
  }

  drawCurve() {
    const { frames, lines, curve, words } = this.data;
    const make = (name, attributes, text) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
      if (text !== undefined) made.textContent = text;
      return made;
    };
    const top = 1.08 * Math.max(...frames.map((one) => one.score), ...lines.map((one) => one.value));
    const last = frames[frames.length - 1].epoch || 1;
    const x = (epoch) => LEFT + ((WIDTH - LEFT - RIGHT) * epoch) / last;
    const y = (score) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * score) / top;
    this.curve.replaceChildren();
    for (const one of lines) {
      this.curve.append(
        make("line", { x1: x(0), x2: x(last), y1: y(one.value), y2: y(one.value), stroke: one.colour, "stroke-dasharray": "4 3" }),
        make("text", { x: x(last) + 5, y: y(one.value) + 4 }, one.name),
      );
    }
    const seen = frames.slice(0, this.frame + 1);
    const points = seen.map((one) => `${x(one.epoch)},${y(one.score)}`).join(" ");
    const now = frames[this.frame];
    this.curve.append(
      make("polyline", { points, fill: "none", stroke: curve, "stroke-width": 2.5 }),
      make("circle", { cx: x(now.epoch), cy: y(now.score), r: 4, fill: curve }),
    );
    this.curve.setAttribute("aria-label", words.curve.replace("{score}", now.score.toFixed(3)));
  }
}

export default function (component) {
  const { data, parentElement } = component;
  let root = parentElement.querySelector(".recorded");
  if (!root) {
    root = element("section", "recorded");
    parentElement.appendChild(root);
    root.run = new RecordedRun(root);
  }
  root.run.update(data);
  return () => setTimeout(() => { if (!root.isConnected) root.run.stop(); });
}
