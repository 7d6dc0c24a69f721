// Which markets trade now, asked once a minute.

import { ApiError, call } from "./api.js";
import { node } from "./format.js";

const PERIOD = 60_000;
const STATES = { regular: "open", open: "open" };

export async function startMarkets() {
  await show();
  setInterval(() => document.visibilityState === "visible" && show(), PERIOD);
}

async function show() {
  let reply;
  try {
    reply = await call("GET", "/v1/market/status");
  } catch (error) {
    // What is shown stays, and the next minute asks again. TypeError is what fetch says without a network.
    if (error instanceof ApiError || error instanceof TypeError) return;
    throw error;
  }
  const list = document.getElementById("markets");
  list.replaceChildren(...reply.markets.map(pill));
  list.hidden = !reply.markets.length;
}

function pill({ market, name, state, reason, timezone, next_open: opens, next_close: closes }) {
  const isOpen = state in STATES;
  const next = isOpen ? closes : opens;
  const at = next && new Date(next).toLocaleString("en", { timeZone: timezone, weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false });
  const words = [STATES[state] ?? state.replaceAll("_", " "), reason && reason.replaceAll("_", " ")].filter(Boolean).join(", ");
  const when = at ? `, ${isOpen ? "closes" : "opens"} ${at}` : "";
  return node("li", { title: `${name}: ${words}${when} (${timezone})` }, node("b", { text: market }), node("span", { className: isOpen ? "up" : "quiet", text: words }), node("small", { text: at ? `${isOpen ? "until" : "opens"} ${at}` : "" }));
}
