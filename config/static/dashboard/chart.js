// A line chart of closing prices as SVG.

const NS = "http://www.w3.org/2000/svg";
const NARROWEST = 320;
const HEIGHT = 280;
const MARGIN = { left: 8, right: 64, top: 8, bottom: 22 };

function element(name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// bars: [{trade_date, close}] oldest first; format turns a price into text.
export function drawChart(target, bars, format) {
  target.replaceChildren();
  if (bars.length < 2) {
    target.textContent = "No history is known for this range.";
    return;
  }
  // One unit is one pixel, so that the text is as large on a phone as on a desk.
  const width = Math.max(NARROWEST, Math.round(target.clientWidth));
  const closes = bars.map((bar) => bar.close);
  const low = Math.min(...closes);
  const high = Math.max(...closes);
  const span = high - low || Math.abs(high) || 1;
  const x = (index) => MARGIN.left + (index / (bars.length - 1)) * (width - MARGIN.left - MARGIN.right);
  const y = (price) => MARGIN.top + ((high - price) / span) * (HEIGHT - MARGIN.top - MARGIN.bottom);

  const svg = element("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  svg.append(element("title", {}, `Closing prices from ${bars[0].trade_date} to ${bars.at(-1).trade_date}`));
  for (let step = 0; step <= 4; step += 1) {
    const price = low + (span * step) / 4;
    svg.append(element("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(price), y2: y(price) }));
    svg.append(element("text", { x: width - MARGIN.right + 6, y: y(price) + 4 }, format(price)));
  }
  const points = closes.map((close, index) => `${x(index).toFixed(1)},${y(close).toFixed(1)}`).join(" ");
  const base = HEIGHT - MARGIN.bottom;
  svg.append(element("polygon", { class: "area", points: `${MARGIN.left},${base} ${points} ${x(bars.length - 1)},${base}` }));
  svg.append(element("polyline", { class: "line", points }));
  svg.append(element("text", { x: MARGIN.left, y: HEIGHT - 6 }, bars[0].trade_date));
  svg.append(element("text", { x: width - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end" }, bars.at(-1).trade_date));
  target.append(svg);
}
