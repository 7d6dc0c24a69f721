// The screener form: criteria in, a table of stocks out.

import { call } from "./api.js";
import { formatPrice, formatShort, node } from "./format.js";

const STARTING_CRITERIA = [["per", 0, 15], ["pbr", 0, 1.5], ["roe", 10, null]];
const MARKETS = ["KOSPI", "KOSDAQ", "NASDAQ", "NYSE", "NSE"];
const MONEY = new Set(["market_cap", "turnover_value"]);

export async function startScreener({ onChoose }) {
  const form = document.getElementById("screen");
  const criteria = document.getElementById("criteria");
  const { fields } = await call("GET", "/v1/screen/fields");
  const names = fields.map((field) => field.aliases?.[0] ?? field.name);

  document.getElementById("screen-market").append(...MARKETS.map((name) => node("option", { text: name })));
  const sort = document.getElementById("screen-sort");
  sort.append(...names.map((name) => node("option", { text: name, selected: name === "market_cap" })));

  const add = (name = names[0], low = "", high = "") => {
    const choice = node("select", { name: "field" });
    choice.setAttribute("aria-label", "Field");
    choice.append(...names.map((each) => node("option", { text: each, selected: each === name })));
    const bound = (label, value) => {
      const input = node("input", { type: "number", step: "any", placeholder: label, value: value ?? "" });
      input.setAttribute("aria-label", label);
      return input;
    };
    const row = node("div", { className: "criterion" }, choice, bound("at least", low), bound("at most", high));
    row.append(node("button", { type: "button", text: "×", className: "plain", ariaLabel: "Remove", onclick: () => row.remove() }));
    criteria.append(row);
  };
  STARTING_CRITERIA.filter(([name]) => names.includes(name)).forEach((each) => add(...each));
  document.getElementById("add-criterion").onclick = () => add();

  const run = async () => {
    const filters = {};
    for (const row of criteria.children) {
      const [field, low, high] = row.querySelectorAll("select, input");
      const range = {};
      if (low.value !== "") range.min = Number(low.value);
      if (high.value !== "") range.max = Number(high.value);
      if (Object.keys(range).length) filters[field.value] = range;
    }
    const body = { market: form.market.value, filters, sort_by: form.sort_by.value, order: form.order.value, per_page: 25 };
    const summary = document.getElementById("screen-summary");
    try {
      const { stocks, meta } = await call("POST", "/v1/screen", body);
      summary.textContent = `${meta.total} stocks match, in ${meta.query_time_ms} ms.` + (meta.warnings ?? []).map((w) => ` ${w}`).join("");
      fill(document.getElementById("screen-results"), stocks, onChoose);
    } catch (error) {
      summary.textContent = [error.message, ...Object.entries(error.details ?? {}).map(([k, v]) => `${k}: ${[].concat(v).join(" ")}`)].join(" ");
    }
  };
  form.onsubmit = (event) => { event.preventDefault(); run(); };
  await run();
}

function fill(table, stocks, onChoose) {
  table.replaceChildren();
  if (!stocks.length) return;
  const columns = Object.keys(stocks[0]);
  const isNumber = (name) => stocks.some((stock) => typeof stock[name] === "number");
  const head = node("tr", {}, ...columns.map((name) => node("th", { text: name, className: isNumber(name) ? "number" : "" })));
  const body = node("tbody");
  for (const stock of stocks) {
    const row = node("tr", { onclick: () => onChoose(stock.code) });
    for (const name of columns) {
      const value = stock[name];
      const text = typeof value === "string" ? value : MONEY.has(name) ? formatShort(value) : formatPrice(value);
      row.append(node("td", { text, className: isNumber(name) ? "number" : "" }));
    }
    body.append(row);
  }
  table.append(node("thead", {}, head), body);
}
