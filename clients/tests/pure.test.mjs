// The parts of the module that need no connection.

import assert from "node:assert/strict";
import test from "node:test";

import { Backoff, Columns, mayReconnect, ProtocolError, roomName, Rooms, StockroomSocket, wholeKey } from "../js/stockroom.js";

test("a wait is anything between nothing and a bound that doubles up to the cap", () => {
  const longest = new Backoff(0.5, 30, () => 1);
  assert.deepEqual(Array.from({ length: 8 }, () => longest.next()), [0.5, 1, 2, 4, 8, 16, 30, 30]);
  longest.reset();
  assert.equal(longest.next(), 0.5);
  const waits = Array.from({ length: 5000 }, () => new Backoff(8).next());
  assert.ok(Math.min(...waits) < 0.1 && Math.max(...waits) > 7.9 && Math.max(...waits) <= 8);
});

test("a log takes each event once and tells what is missing, other rooms take what comes", () => {
  const rooms = new Rooms({ "alert:kept": { epoch: "e", sequence: 3 } });
  rooms.want(["alert:me", "price:A", "alert:kept"]);
  assert.deepEqual(rooms.wanted.get("alert:kept"), { epoch: "e", sequence: 3 });
  rooms.stand("alert:me", { epoch: "e", sequence: 10 });
  assert.equal(rooms.move("alert:me", 10).news, false);
  assert.deepEqual(rooms.move("alert:me", 11), { news: true, missed: null });
  assert.deepEqual(rooms.move("alert:me", 14), { news: true, missed: { epoch: "e", sequence: 11 } });
  rooms.stand("price:A", { epoch: "e", sequence: 10 });
  assert.deepEqual(rooms.move("price:A", 1), { news: true, missed: null });
  rooms.forget(["price:A"]);
  assert.equal(rooms.move("price:A", 2).news, false);
});

test("arrays are opened into the messages that they stand for", () => {
  const columns = new Columns({ price_update: ["stock_code", "data.current_price", "data.volume"] });
  columns.rooms.set(17, "price:A");
  const message = {
    type: "price_update",
    room: "price:A",
    stock_code: "A",
    data: { current_price: 150.25, volume: null },
    sequence: 5,
    timestamp: "2026-03-02T01:30:25.125Z",
  };
  const array = [0, 17, 5, 1772415025125, "A", 150.25, null];
  assert.deepEqual(columns.messages(array), [message]);
  assert.deepEqual(columns.messages([array, { type: "alert" }]), [message, { type: "alert" }]);
  assert.deepEqual(columns.messages({ type: "alert" }), [{ type: "alert" }]);
  for (const wrong of [[], [1, 17, 5, 0, "A", 1, 1], [0, 99, 5, 0, "A", 1, 1], [0, 17, 5, 0, "A", 1], [0, 17, 5, null, "A", 1, 1]]) {
    assert.throws(() => columns.messages(wrong), ProtocolError);
  }
});

test("a star in a path goes over a list", () => {
  const columns = new Columns({ orderbook_update: ["data.asks.*.price", "data.asks.*.volume", "data.tags.*"] });
  columns.rooms.set(3, "orderbook:A");
  const [{ data }] = columns.messages([0, 3, 5, 0, [10, 11], [7, 8], ["x"]]);
  assert.deepEqual(data, { asks: [{ price: 10, volume: 7 }, { price: 11, volume: 8 }], tags: ["x"] });
  for (const wrong of [[[10, 11], [7], []], [[10], null, []]]) {
    assert.throws(() => columns.messages([0, 3, 5, 0, ...wrong]), ProtocolError);
  }
});

test("names are written as the server writes them, and what cannot be a room is refused", () => {
  assert.equal(roomName("sector:\u110c\u1165\u11ab\u1100\u1175"), "sector:전기");
  for (const wrong of ["price", ":A", "price:", `price:${"x".repeat(65)}`]) assert.throws(() => roomName(wrong), RangeError);
});

test("only whole values may be replaced by newer ones", () => {
  assert.equal(wholeKey({ type: "price_update", room: "market:K", stock_code: "A" }), "market:K\nprice_update\nA");
  assert.equal(wholeKey({ type: "market_status", room: "market:K", market: "K" }), "market:K\nmarket_status\nK");
  assert.equal(wholeKey({ type: "alert", room: "alert:me" }), null);
  assert.equal(wholeKey({ type: "order", room: "alert:me", data: { event: "order.paid" } }), null);
});

test("codes of the table are known, others are judged by their class", () => {
  const table = JSON.parse(process.env.CODES ?? "[]");
  for (const { number, reconnect } of table) assert.equal(mayReconnect(number), reconnect, String(number));
  assert.ok(mayReconnect(4000) && mayReconnect(1006) && !mayReconnect(4499) && !mayReconnect(1008));
});

test("an address may be short, and what cannot work is refused", () => {
  const address = (url, options) => new StockroomSocket(url, { token: "x", ...options }).address;
  assert.equal(address("https://a.example"), "wss://a.example/ws/stocks");
  assert.equal(address("ws://a.example/b/ws/stocks", { compact: true }), "ws://a.example/b/ws/stocks?format=compact");
  assert.throws(() => new StockroomSocket("ws://a.example"), TypeError);
});

test("gathered values come once, newest only, and events that count come at once", () => {
  let run = null;
  function gather(give) {
    assert.equal(this, undefined, "the browser's own functions are no methods of this object");
    run = give;
  }
  const live = new StockroomSocket("ws://a.example", { token: "x", rooms: ["price:A"], gather });
  const seen = [];
  for (const type of ["price_update", "alert", "order"]) live.on(type, ({ detail }) => seen.push([type, detail.n]));
  for (let n = 1; n <= 3; n += 1) live.emit("price_update", { type: "price_update", room: "price:A", stock_code: "A", n });
  live.emit("alert", { type: "alert", n: 9 });
  live.emit("order", { type: "order", room: "alert:me", n: 10 });
  assert.deepEqual(seen, [["alert", 9], ["order", 10]]);
  run();
  assert.deepEqual(seen, [["alert", 9], ["order", 10], ["price_update", 3]]);
});
