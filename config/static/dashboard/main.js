// The dashboard: a live board, one stock in detail with its order book, and the screener.

import { startAccount } from "./account.js";
import { ApiError, call } from "./api.js";
import { mark, startBoard, watch } from "./board.js";
import { followBook, startBook } from "./book.js";
import { drawChart } from "./chart.js";
import { direction, formatPercent, formatPrice, formatShort, node } from "./format.js";
import { live, notify } from "./live.js";
import { startMarkets } from "./markets.js";
import { startScreener } from "./screener.js";
import { startSearch } from "./search.js";

const BOARD_SIZE = 12;
const $ = (id) => document.getElementById(id);
let chosen = { code: null, months: 12 };

// --- one stock ------------------------------------------------------------------------------------------

function showFacts(price, change) {
  const text = node("strong", { text: formatPrice(price) });
  const moved = node("span", { text: ` ${formatPercent(change)}`, className: direction(change) });
  $("stock-facts").replaceChildren(text, moved, ` ${chosen.note ?? ""}`);
}

live.on("price_update", ({ detail }) => {
  if (detail.stock_code === chosen.code) showFacts(detail.data.current_price, detail.data.change_percent);
});

async function choose(code) {
  try {
    await show(code);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notify(error.message);
  }
}

async function show(code) {
  const stock = await call("GET", `/v1/stocks/${encodeURIComponent(code)}`);
  chosen = { ...chosen, code, note: [stock.market, stock.sector, stock.currency].filter(Boolean).join(" · ") };
  const price = stock.quote?.price ?? stock.latest_price?.close_price ?? null;
  const change = stock.quote?.change_pct ?? stock.latest_price?.change_pct ?? null;
  $("stock-title").textContent = `${stock.name} (${stock.code})`;
  showFacts(price, change);
  const figures = { ...stock.indicators, market_cap: stock.latest_price?.market_cap, volume: stock.latest_price?.volume };
  $("figures").replaceChildren(
    ...Object.entries(figures).map(([name, value]) =>
      node("div", {}, node("dt", { text: name.replaceAll("_", " ") }), node("dd", { text: Math.abs(value) >= 1e6 ? formatShort(value) : formatPrice(value) }))),
  );
  $("ranges").hidden = false;
  watch({ code, name: stock.name, price, change });
  mark(code);
  followBook(code);
  await drawHistory();
}

async function drawHistory() {
  const { code, months } = chosen;
  const from = new Date();
  from.setMonth(from.getMonth() - months);
  const query = new URLSearchParams({ from_date: from.toISOString().slice(0, 10), interval: months > 12 ? "weekly" : "daily" });
  const { prices } = await call("GET", `/v1/stocks/${encodeURIComponent(code)}/prices?${query}`);
  if (code !== chosen.code || months !== chosen.months) return;
  chosen.prices = prices;
  drawChart($("chart"), prices, formatPrice);
}

window.addEventListener("resize", () => chosen.prices && drawChart($("chart"), chosen.prices, formatPrice));

for (const button of $("ranges").children) {
  button.onclick = () => {
    for (const other of $("ranges").children) other.setAttribute("aria-pressed", String(other === button));
    chosen.months = Number(button.dataset.months);
    drawHistory();
  };
}

// --- start ----------------------------------------------------------------------------------------------

startBoard(choose);
startBook();
startSearch(choose);
startAccount();
startMarkets();
const recent = await call("GET", `/v1/stocks/recent?limit=${BOARD_SIZE}`);
for (const { symbol, company_name: name, current_price: price, previous_close: previous } of recent) {
  const change = price != null && previous?.Valid && previous.Float64 ? (price / previous.Float64 - 1) * 100 : null;
  watch({ code: symbol, name, price, change });
}
if (recent.length) await choose(recent[0].symbol);
await startScreener({ onChoose: choose });
