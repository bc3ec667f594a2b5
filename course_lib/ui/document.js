// What only the browser can do: set the document's language and theme, tell Python that the theme has changed, let a
// keyboard reach what scrolls, a screen reader say how a run goes, and a link to a step arrive there.

const SPOKEN = "[class*='st-key-lab-'][class*='-spoken']";
const SETTLED_MS = 20000; // of the document's life
// They scroll: wide ones sideways on a phone, what stands behind the lab's tabs downwards.
const SCROLLS = ".katex-display, .lab-table, [class*='st-key-lab-'][class*='-focus']";

function reachable(sizes) {
  for (const one of document.querySelectorAll(SCROLLS)) {
    sizes.observe(one);
    if (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
  for (const one of document.querySelectorAll(SPOKEN)) {
    one.setAttribute("role", "status");
  }
}

// A link to a step: what is drawn above it afterwards pushes it down, so go there again until the page has settled or
// the reader moves.
function arrive() {
  if (!window.location.hash || performance.now() > SETTLED_MS) return;
  document.getElementById(decodeURIComponent(window.location.hash.slice(1)))?.scrollIntoView();
}

function watchPage() {
  if (window.liverecPage) return;
  let soon = null, moved = false;
  for (const move of ["wheel", "pointerdown", "keydown", "touchmove"]) {
    window.addEventListener(move, () => { moved = true; }, { once: true, capture: true });
  }
  const look = () => { // at most three times a second, and never put off while a training run changes the page
    soon ??= setTimeout(() => {
      soon = null;
      reachable(sizes);
      if (!moved) arrive();
    }, 300);
  };
  // A phone that is turned, or a picture that arrives, changes what scrolls without changing the document.
  const sizes = new ResizeObserver(look);
  window.liverecPage = new MutationObserver(look);
  window.liverecPage.observe(document.body, { childList: true, subtree: true });
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  document.documentElement.lang = data.lang;
  watchPage();

  // A hidden probe takes the theme's background; its transition ends when the theme has changed. The colour is read from
  // a second one inside it that has no transition: half-way from transparent to white would count as dark.
  const probe = parentElement.querySelector("i");
  probe.style.cssText =
    "position:fixed;width:0;height:0;background-color:var(--st-background-color);transition:background-color 1ms";
  const still = probe.firstElementChild ?? probe.appendChild(document.createElement("b"));
  still.style.cssText = "background-color:var(--st-background-color);transition:none";
  const tell = () => {
    if (!probe.isConnected) return;
    const [red, green, blue, alpha = 1] = (getComputedStyle(still).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (blue === undefined || alpha === 0) { // the theme has not arrived yet
      requestAnimationFrame(tell);
      return;
    }
    const theme = 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    if (theme !== (probe.dataset.told ?? data.theme)) setStateValue("theme", theme);
    probe.dataset.told = theme;
  };
  probe.ontransitionend = tell;
  tell();
}
