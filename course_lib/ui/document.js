// What only the browser can do: set the document's language and theme, and tell Python that the theme has changed.

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  document.documentElement.lang = data.lang;

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
