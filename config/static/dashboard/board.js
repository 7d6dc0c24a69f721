// The table of prices: stocks that the reader watches, each a row that follows its room.

import { direction, formatPercent, formatPrice, node } from "./format.js";
import { live } from "./live.js";

const rows = new Map();
let onChoose = () => {};

export function startBoard(choose) {
  onChoose = choose;
  live.on("price_update", ({ detail }) => showPrice(detail.stock_code, detail.data.current_price, detail.data.change_percent));
}

// change is in percent; both figures may be null.
export function watch({ code, name, price = null, change = null }) {
  if (!rows.has(code)) addRow(code, name);
  showPrice(code, price, change);
  live.subscribe(`price:${code}`);
}

function addRow(code, name) {
  const cells = { price: node("td", { className: "number" }), change: node("td", { className: "number" }) };
  const open = node("button", { type: "button", className: "link", text: name, title: name, onclick: () => onChoose(code) });
  const remove = node("button", { type: "button", className: "icon", text: "×", ariaLabel: `Remove ${name}`, onclick: () => unwatch(code) });
  const row = node("tr", {}, node("td", { className: "code", text: code }), node("td", {}, open), cells.price, cells.change, node("td", { className: "tool" }, remove));
  rows.set(code, { ...cells, row, last: null });
  document.getElementById("prices").append(row);
}

function unwatch(code) {
  rows.get(code)?.row.remove();
  rows.delete(code);
  live.unsubscribe(`price:${code}`);
}

export function mark(code) {
  for (const [each, { row }] of rows) row.toggleAttribute("aria-current", each === code);
}

function showPrice(code, price, change) {
  const row = rows.get(code);
  if (!row || price == null) return;
  row.price.textContent = formatPrice(price);
  row.change.textContent = formatPercent(change);
  row.change.className = `number ${direction(change)}`;
  if (row.last !== null && row.last !== price) {
    row.price.classList.remove("tick-up", "tick-down");
    void row.price.offsetWidth; // lets the same animation start again
    row.price.classList.add(price > row.last ? "tick-up" : "tick-down");
  }
  row.last = price;
}
