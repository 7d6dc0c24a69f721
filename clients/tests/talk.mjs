// Runs one client for a test in Python: options come as the argument, every event goes out as a line of JSON, and a
// line that comes in is an order.

import { createInterface } from "node:readline";

import { StockroomSocket } from "../js/stockroom.js";
import { NodeWebSocket } from "./sockets.mjs";

const { url, tokens, ...options } = JSON.parse(process.argv[2]);
const given = tokens ? { tokenProvider: () => (tokens.length > 1 ? tokens.shift() : tokens[0]) } : {};
const live = new StockroomSocket(url, { baseSeconds: 0.05, capSeconds: 0.2, WebSocket: NodeWebSocket, ...given, ...options });

const types = [
  ...["price_update", "orderbook_update", "market_status", "alert", "gap", "hello", "subscribed", "authenticated"],
  ...["order", "limits", "token_expiring", "error", "state"],
];
for (const type of types) live.on(type, ({ detail }) => console.log(JSON.stringify({ event: type, ...detail })));
live.start();

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [order, ...words] = JSON.parse(line);
    live[order](...words);
  })
  .on("close", () => live.close());
