// The order book of the chosen stock: asks above, bids below, the best of both in the middle. The compact format leaves
// out the totals, which are what stands up to a level.

import { formatAlike, formatPercent, formatPrice, node } from "./format.js";
import { live } from "./live.js";

const LEVELS = 10;
let room = null;
let rows = null;

export function startBook() {
  live.on("orderbook_update", ({ detail }) => detail.room === room && show(detail.data));
}

export function followBook(code) {
  const next = `orderbook:${code}`;
  if (next === room) return;
  if (room) live.unsubscribe(room);
  room = next;
  document.getElementById("book").hidden = true;
  document.getElementById("book-hint").hidden = false;
  live.subscribe(room);
}

function level(side) {
  const cells = { volume: node("td", { className: "number" }), price: node("td", { className: `number ${side}` }), total: node("td", { className: "number quiet" }) };
  return { ...cells, row: node("tr", { className: `level ${side}` }, cells.price, cells.volume, cells.total) };
}

function build() {
  const asks = Array.from({ length: LEVELS }, () => level("ask"));
  const bids = Array.from({ length: LEVELS }, () => level("bid"));
  const spread = node("td", { colSpan: 3, className: "spread" });
  document.getElementById("book-levels").append(...asks.toReversed().map(({ row }) => row), node("tr", {}, spread), ...bids.map(({ row }) => row));
  return { asks, bids, spread };
}

function show({ asks, bids, spread, spread_pct: percent }) {
  rows ??= build();
  const deepest = Math.max(1, ...[...asks, ...bids].map(({ volume }) => volume ?? 0));
  const format = formatAlike([...asks, ...bids].map(({ price }) => price));
  fill(rows.asks, asks, deepest, format);
  fill(rows.bids, bids, deepest, format);
  rows.spread.textContent = `Spread ${formatPrice(spread)} (${formatPercent(percent).replace("+", "")})`;
  document.getElementById("book").hidden = false;
  document.getElementById("book-hint").hidden = true;
}

function fill(made, levels, deepest, format) {
  let running = 0;
  made.forEach(({ row, price, volume, total }, at) => {
    const held = levels[at];
    row.hidden = !held;
    if (!held) return;
    running += held.volume ?? 0;
    price.textContent = format(held.price);
    volume.textContent = formatPrice(held.volume);
    total.textContent = formatPrice(held.total ?? running);
    row.style.setProperty("--share", `${((held.volume ?? 0) / deepest) * 100}%`);
  });
}
