// What only the browser can do: set the document's language and theme, and tell Python that the theme has changed.

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  document.documentElement.lang = data.lang;

  // A hidden probe takes the theme's background; its transition ends when the theme has changed.
  const probe = parentElement.querySelector("i");
  probe.style.cssText =
    "position:fixed;width:0;height:0;background-color:var(--st-background-color);transition:background-color 1ms";
  const tell = () => {
    const [red, green, blue] = (getComputedStyle(probe).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (blue === undefined) return;
    const theme = 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    if (theme !== (probe.dataset.told ?? data.theme)) setStateValue("theme", theme);
    probe.dataset.told = theme;
  };
  probe.ontransitionend = tell;
  tell();
}
