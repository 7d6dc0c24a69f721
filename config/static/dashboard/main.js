// The dashboard: a live board, one stock in detail, and the screener.

import { accessToken, call, register, renew, signIn, signOut, user } from "./api.js";
import { drawChart } from "./chart.js";
import { direction, formatPercent, formatPrice, formatShort, node } from "./format.js";
import { LivePrices } from "./live.js";
import { startScreener } from "./screener.js";

const BOARD_SIZE = 14;
const $ = (id) => document.getElementById(id);
const rows = new Map();
let chosen = { code: null, months: 12 };

// --- the board ------------------------------------------------------------------------------------------

function addRow({ symbol, company_name: name, current_price: price, previous_close: previous }) {
  const cells = { price: node("td", { className: "number" }), change: node("td", { className: "number" }) };
  const row = node("tr", { onclick: () => choose(symbol) }, node("td", { text: symbol }), node("td", { text: name, title: name }), cells.price, cells.change);
  rows.set(symbol, { ...cells, last: null });
  $("prices").append(row);
  const change = previous?.Valid && previous.Float64 ? (price / previous.Float64 - 1) * 100 : null;
  showPrice(symbol, price, change);
}

function showPrice(code, price, change) {
  const row = rows.get(code);
  if (!row) return;
  row.price.textContent = formatPrice(price);
  row.change.textContent = formatPercent(change);
  row.change.className = `number ${direction(change)}`;
  if (row.last !== null && row.last !== price) {
    const flash = price > row.last ? "tick-up" : "tick-down";
    row.price.classList.remove("tick-up", "tick-down");
    void row.price.offsetWidth; // lets the same animation start again
    row.price.classList.add(flash);
  }
  row.last = price;
}

const live = new LivePrices({
  token: accessToken,
  renew,
  onPrice: (code, data) => {
    showPrice(code, data.current_price, data.change_percent);
    if (code === chosen.code) showFacts(data.current_price, data.change_percent);
  },
  onState: (state) => {
    $("link").dataset.state = state;
    $("link").textContent = { live: "live", waiting: "reconnecting", off: "not live" }[state];
  },
});

// --- one stock ------------------------------------------------------------------------------------------

function showFacts(price, change) {
  const text = node("strong", { text: formatPrice(price) });
  const moved = node("span", { text: ` ${formatPercent(change)}`, className: direction(change) });
  $("stock-facts").replaceChildren(text, moved, ` ${chosen.note ?? ""}`);
}

async function choose(code) {
  const stock = await call("GET", `/v1/stocks/${encodeURIComponent(code)}`);
  chosen = { ...chosen, code, note: [stock.market, stock.sector, stock.currency].filter(Boolean).join(" · ") };
  $("stock-title").textContent = `${stock.name} (${stock.code})`;
  showFacts(stock.quote?.price ?? stock.latest_price?.close_price, stock.quote?.change_pct ?? stock.latest_price?.change_pct);
  const figures = { ...stock.indicators, market_cap: stock.latest_price?.market_cap, volume: stock.latest_price?.volume };
  $("figures").replaceChildren(
    ...Object.entries(figures).map(([name, value]) =>
      node("div", {}, node("dt", { text: name }), node("dd", { text: Math.abs(value) >= 1e6 ? formatShort(value) : formatPrice(value) }))),
  );
  $("ranges").hidden = false;
  live.watch([code]);
  await drawHistory();
}

async function drawHistory() {
  const from = new Date();
  from.setMonth(from.getMonth() - chosen.months);
  const query = new URLSearchParams({ from_date: from.toISOString().slice(0, 10), interval: chosen.months > 12 ? "weekly" : "daily" });
  const { prices } = await call("GET", `/v1/stocks/${encodeURIComponent(chosen.code)}/prices?${query}`);
  drawChart($("chart"), prices, formatPrice);
}

for (const button of $("ranges").children) {
  button.onclick = () => {
    for (const other of $("ranges").children) other.setAttribute("aria-pressed", String(other === button));
    chosen.months = Number(button.dataset.months);
    drawHistory();
  };
}

// --- search ---------------------------------------------------------------------------------------------

let typing = null;
$("search-text").oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(suggest, 150);
};
$("search").onsubmit = (event) => {
  event.preventDefault();
  $("search-results").querySelector("button")?.click();
};

async function suggest() {
  const text = $("search-text").value.trim();
  const found = text ? await call("GET", `/v1/stocks/search?q=${encodeURIComponent(text)}`) : [];
  $("search-results").replaceChildren(...found.slice(0, 8).map(({ symbol, company_name: name }) => {
    const pick = () => {
      $("search-results").hidden = true;
      $("search-text").value = "";
      choose(symbol);
    };
    return node("li", {}, node("button", { type: "button", onclick: pick }, node("small", { text: symbol }), name));
  }));
  $("search-results").hidden = !found.length;
}

// --- the account ----------------------------------------------------------------------------------------

function showAccount() {
  const who = user();
  $("account").textContent = who ? who.email : "";
  $("account-button").textContent = who ? "Sign out" : "Sign in";
  if (who) live.start();
  else live.stop();
}
window.addEventListener("account", showAccount);

$("account-button").onclick = () => (user() ? signOut() : $("sign-in").showModal());
$("sign-in-cancel").onclick = () => $("sign-in").close();
$("sign-in-form").onsubmit = async (event) => {
  event.preventDefault();
  const form = event.target;
  const fields = { email: form.email.value, password: form.password.value };
  try {
    if (event.submitter?.value === "register") await register({ ...fields, name: form.elements.name.value || fields.email.split("@")[0] });
    else await signIn(fields);
    form.reset();
    $("sign-in-error").textContent = "";
    $("sign-in").close();
  } catch (error) {
    const details = Object.values(error.details ?? {}).flat().join(" ");
    $("sign-in-error").textContent = `${error.message} ${details}`;
  }
};

// --- start ----------------------------------------------------------------------------------------------

const recent = await call("GET", `/v1/stocks/recent?limit=${BOARD_SIZE}`);
recent.forEach(addRow);
live.watch(recent.map(({ symbol }) => symbol));
showAccount();
startScreener({ onChoose: choose });
if (recent.length) choose(recent[0].symbol);
