// One Plotly node for each figure on the page; see live_figure.py.

const NARROW = 560; // pixels of the column below which a figure's narrow form is drawn

function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  if (!window.liverecPlotly) {
    window.liverecPlotly = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => {
        window.liverecPlotly = undefined; // the next figure tries again
        reject(new Error("Plotly did not load"));
      };
      document.head.appendChild(script);
    });
  }
  return window.liverecPlotly;
}

// What every figure shares with the page around it.
function completed(figure, host) {
  const style = getComputedStyle(host);
  const ink = style.getPropertyValue("--st-text-color").trim() || style.color;
  const layout = figure.layout || {};
  const touch = window.matchMedia("(pointer: coarse)").matches;
  return {
    ...layout,
    font: { family: style.fontFamily, color: ink, size: 13, ...layout.font },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    height: figure.height,
    autosize: true,
    uirevision: layout.uirevision ?? "keep", // zoom and hidden lines survive new data
    dragmode: touch ? false : (layout.dragmode ?? "zoom"), // on a phone a finger scrolls the page
  };
}

const same = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);

// What live_figure.py packed.
function unpacked(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

async function draw(node) {
  const { bytes, host } = node.liverec;
  const data = await (node.liverec.unpacking ??= unpacked(bytes));
  if (!node.isConnected || node.liverec.bytes !== bytes) return; // gone, or newer data is on its way
  node.liverec.data = data;
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", data.alt);
  node.classList.toggle("live-figure-clickable", data.clickable);
  const width = host.clientWidth;
  const figure = data.narrow && width > 0 && width < NARROW ? data.narrow : data.wide;
  node.style.height = `${figure.height}px`;
  const Plotly = await loadPlotly(data.plotly);
  if (!node.isConnected || node.liverec.data !== data) return;
  const layout = completed(figure, host);
  const form = JSON.stringify([figure.data, layout]);
  if (form === node.liverec.form) return;
  node.liverec.form = form;
  await Plotly.react(node, figure.data, layout, { displayModeBar: false, doubleClick: "reset" });
  if (node.liverec.listening) return;
  node.liverec.listening = true;
  node.on("plotly_click", (event) => {
    const { data: now, tell } = node.liverec;
    const custom = event.points?.[0]?.customdata;
    if (now.clickable && custom !== undefined && custom !== null) tell("clicked", custom);
  });
}

// The column has another width: a turned phone, an opened expander, a tab that is shown for the first time.
function fit(node) {
  const { data, host, width } = node.liverec;
  if (!data) return;
  if (host.clientWidth === 0 || host.clientWidth === width) return;
  node.liverec.width = host.clientWidth;
  if (data.narrow) draw(node).catch((error) => console.error(error));
  if (node.liverec.form) window.Plotly?.Plots.resize(node);
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let node = parentElement.querySelector(":scope > .live-figure");
  if (!node) {
    node = document.createElement("div");
    node.className = "live-figure";
    node.liverec = {};
    parentElement.appendChild(node);
  }
  Object.assign(node.liverec, { host: parentElement, tell: setTriggerValue });
  if (!node.liverec.bytes || !same(node.liverec.bytes, data)) Object.assign(node.liverec, { bytes: data, unpacking: null });
  if (!node.liverec.resizing) {
    node.liverec.resizing = new ResizeObserver(() => fit(node));
    node.liverec.resizing.observe(parentElement);
  }
  draw(node).catch((error) => console.error(error));

  // Called at each update too; only when the node has really gone is there something to clean up.
  return () => setTimeout(() => {
    if (node.isConnected) return;
    node.liverec.resizing.disconnect();
    window.Plotly?.purge(node);
  });
}
