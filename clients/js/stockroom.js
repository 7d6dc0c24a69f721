/**
 * Live prices, order books, market status, alerts and orders of a Stockroom server: one ES module without dependencies.
 *
 *     import { StockroomSocket } from "./stockroom.js";
 *
 *     const live = new StockroomSocket("wss://stockroom.example", { tokenProvider: () => freshToken() });
 *     live.on("price_update", ({ detail }) => show(detail.stock_code, detail.data.current_price));
 *     live.on("gap", ({ detail }) => warn(detail.room));
 *     live.subscribe("price:005930", "market:KOSPI");
 *     live.start();
 *
 * It stays connected (exponential backoff with full jitter), resumes every room from its position, renews its token,
 * and understands batches and the compact format. Figures are JavaScript numbers: they show prices, they do not add
 * up money.
 *
 * @module stockroom
 */

/**
 * Where a room stands. Sequences of different epochs cannot be compared.
 * @typedef {{epoch: string, sequence: number}} Position
 */

/**
 * @typedef {object} Options
 * @property {string} [token] an access token or API key; give this or `tokenProvider`
 * @property {() => (string | Promise<string>)} [tokenProvider] asked before each connection and when a token ends soon
 * @property {Iterable<string>} [rooms] rooms to join
 * @property {Record<string, Position>} [since] positions that were kept, to go on from
 * @property {boolean} [compact] prices and books as arrays, without the exchange's time, source and totals
 * @property {(run: () => void) => void} [gather] gathers whole values (prices, books, status) and gives the newest of
 *   each when it calls `run`, such as `requestAnimationFrame`; by default they come as they arrive
 * @property {typeof WebSocket} [WebSocket] another class of sockets
 * @property {() => number} [random] from 0 to 1, for the jitter
 * @property {number} [baseSeconds] the bound of the first wait, 0.5
 * @property {number} [capSeconds] the highest bound, 30
 */

/**
 * Events are CustomEvents; `detail` is the message, with `epoch` and `is_snapshot` added to events of rooms.
 *
 * `price_update`, `orderbook_update`, `market_status`, `alert`, `order` (`detail.data` is an `OrderData`; it comes in
 * the room of alerts), `portfolio`, `screen` and any later type;
 * `gap` ({room, since, epoch, sequence}); `hello`, `subscribed`, `authenticated`, `limits`, `token_expiring`;
 * `error` (the server refused something; a room that it names is not asked for again);
 * `state` ({state: "connecting" | "live" | "waiting" | "offline" | "ended", code, reason, retryIn}).
 * @typedef {CustomEvent<any>} StockroomEvent
 */

/**
 * What became of an order of the user or, with the event `tier.changed`, of their tier; then there is no order.
 * @typedef {object} OrderData
 * @property {string} id names what happened
 * @property {"order.created" | "payment.requested" | "order.paid" | "order.fulfilled" | "order.failed"
 *   | "order.cancelled" | "refund.requested" | "order.refunded" | "tier.changed"} event
 * @property {string | null} order_id
 * @property {"pending" | "paid" | "fulfilled" | "failed" | "cancelled" | "refunded" | null} status of the order, after it
 * @property {number | null} total
 * @property {string | null} currency
 * @property {string | null} tier
 * @property {string} created_at
 */

export const UNAUTHORIZED = 4401;
const ABNORMAL = 1006;
const PATH = "/ws/stocks";

// What is not known is judged by its class: 44xx is the client's own fault, as 4xx is in HTTP.
const AGAIN = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 4008, 4408, 4410, 4431, 4432]);
const NEVER = new Set([1002, 1003, 1007, 1008, 1009, 1010, 4400, 4401, 4430]);

/** Events of these are never skipped; in all other rooms an event is whole for its key. */
const LOGS = new Set(["alert", "portfolio", "screen"]);
const WHOLE = new Set(["price_update", "orderbook_update", "market_status"]);
const QUIET = new Set(["heartbeat", "pong"]);

const SILENT_HEARTBEATS = 2.5;
const OPEN_SECONDS = 10;
const LIVED_SECONDS = 10;
const FRAME_SPACING = 100;
const FLOOD_PAUSE = 2000;
const REFRESH_SPACING = 5000;
const FRAME_BYTES = 16_384;
const ENVELOPE_BYTES = 256;
const MAX_ROOMS = 500;

/**
 * Whether the same connection may be tried again after a close.
 * @param {number} code
 */
export const mayReconnect = (code) => AGAIN.has(code) || (!NEVER.has(code) && !(code >= 4400 && code < 4500));

/**
 * The name as the server writes it; throws for what cannot be a room.
 * @param {string} text
 */
export function roomName(text) {
  const name = text.normalize("NFC");
  const key = name.slice(name.indexOf(":") + 1);
  if (!/^[^:]+:/.test(name) || key.length < 1 || [...key].length > 64) {
    throw new RangeError(`${text.slice(0, 80)} is no room: write prefix:key, such as price:AAPL`);
  }
  return name;
}

/** @param {string} room */
const isLog = (room) => LOGS.has(room.slice(0, room.indexOf(":")));

/** Exponential backoff with full jitter: any time from 0 to a bound that doubles up to a cap. */
export class Backoff {
  /**
   * @param {number} base seconds
   * @param {number} cap seconds
   * @param {() => number} random
   */
  constructor(base = 0.5, cap = 30, random = Math.random) {
    Object.assign(this, { base, cap, random, bound: base });
  }

  /** Seconds to wait now. */
  next() {
    const bound = Math.min(this.bound, this.cap);
    this.bound = Math.min(bound * 2, this.cap);
    return this.random() * bound;
  }

  reset() {
    this.bound = this.base;
  }
}

/** The rooms that are wanted, and where each stands; null while that is not known. Kept through reconnects. */
export class Rooms {
  /** @param {Record<string, Position>} since */
  constructor(since = {}) {
    this.wanted = new Map();
    this.since = new Map(Object.entries(since).map(([room, position]) => [roomName(room), position]));
  }

  /** @param {Iterable<string>} rooms */
  want(rooms) {
    for (const name of [...rooms].map(roomName)) {
      if (!this.wanted.has(name)) this.wanted.set(name, this.since.get(name) ?? null);
      this.since.delete(name);
    }
  }

  /** @param {Iterable<string>} rooms */
  forget(rooms) {
    for (const room of rooms) this.wanted.delete(room);
  }

  /** An ack or a gap says where the room stands. */
  stand(room, position) {
    if (this.wanted.has(room)) this.wanted.set(room, position);
  }

  /**
   * An event came.
   * @returns {{news: boolean, missed: Position | null}} whether it is news, and the position before it where events
   *   are missing between
   */
  move(room, sequence) {
    const before = this.wanted.get(room);
    if (before === undefined) return { news: false, missed: null };
    if (before === null) return { news: true, missed: null };
    if (isLog(room) && sequence <= before.sequence) return { news: false, missed: null };
    this.wanted.set(room, { epoch: before.epoch, sequence });
    return { news: true, missed: isLog(room) && sequence > before.sequence + 1 ? before : null };
  }
}

/** The server sent what the protocol does not know; the connection is begun anew. */
export class ProtocolError extends Error {}

/** The compact format: arrays opened into the messages that they stand for. */
export class Columns {
  /** @param {Record<string, string[]>} columns dotted paths of the values, by type */
  constructor(columns = {}) {
    this.types = Object.entries(columns).map(([type, paths]) => [type, paths.map((path) => path.split("."))]);
    this.rooms = new Map();
  }

  /** Objects of a frame, whatever its form. */
  messages(frame) {
    if (!Array.isArray(frame)) return [frame];
    if (frame.length && typeof frame[0] === "object" && frame[0] !== null) {
      return frame.map((item) => (Array.isArray(item) ? this.message(item) : item));
    }
    return [this.message(frame)];
  }

  /** @param {any[]} values */
  message(values) {
    const [index, number, sequence, milliseconds, ...rest] = values;
    const [type, paths] = this.types[index] ?? [];
    const room = this.rooms.get(number);
    if (!type || room === undefined) throw new ProtocolError("an array names a type or a room that was not told");
    if (rest.length !== paths.length || !Number.isInteger(milliseconds)) {
      throw new ProtocolError(`an array of ${type} has other values than its columns`);
    }
    const message = { type, room };
    paths.forEach((path, at) => put(message, path, rest[at]));
    message.sequence = sequence;
    message.timestamp = new Date(milliseconds).toISOString();
    return message;
  }
}

/** Put a value where its path leads, making what stands between; a step `*` goes over a list. */
function put(target, [name, ...path], value) {
  if (!path.length || (path.length === 1 && path[0] === "*")) target[name] = value;
  else if (path[0] !== "*") put((target[name] ??= {}), path, value);
  else {
    const items = (target[name] ??= arrayOf(value).map(() => ({})));
    if (arrayOf(value).length !== items.length) throw new ProtocolError(`the lists of ${name} are not of one length`);
    items.forEach((item, at) => put(item, path.slice(1), value[at]));
  }
}

/** What of a message is whole: newer ones with the same key replace it. Null where every event counts. */
export const wholeKey = (message) =>
  WHOLE.has(message.type) ? [message.room, message.type, message.stock_code ?? message.market].join("\n") : null;

/** A connection that stays, and the events of its rooms. */
export class StockroomSocket extends EventTarget {
  /**
   * @param {string} url `ws`, `wss`, `http` or `https`; without a path, `/ws/stocks`
   * @param {Options} options
   */
  constructor(url, options = {}) {
    super();
    if (!options.token === !options.tokenProvider) throw new TypeError("give either token or tokenProvider");
    const address = new URL(url);
    address.protocol = { "http:": "ws:", "https:": "wss:" }[address.protocol] ?? address.protocol;
    if (address.pathname === "/") address.pathname = PATH;
    if (options.compact) address.searchParams.set("format", "compact");
    this.address = address.href;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.token = options.token ?? "";
    this.tokenProvider = options.tokenProvider ?? null;
    const { gather } = options;
    // Functions of the browser, such as requestAnimationFrame, refuse to be a method of something else.
    this.gather = gather ? (run) => gather(run) : null;
    this.backoff = new Backoff(options.baseSeconds, options.capSeconds, options.random);
    this.rooms = new Rooms(options.since);
    this.rooms.want(options.rooms ?? []);
    /** @type {"connecting" | "live" | "waiting" | "offline" | "ended"} */
    this.state = "ended";
    this.socket = null;
    this.session = "";
    this.refusedTokens = 0;
    this.refreshedAt = -Infinity;
    this.gathered = new Map();
    this.timers = new Map();
    this.forgotten = [];
  }

  /**
   * Listen to a type of events.
   * @param {string} type
   * @param {(event: StockroomEvent) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    this.addEventListener(type, listener);
    return () => this.removeEventListener(type, listener);
  }

  /** Where each room stands, by name: keep it to go on from there. @returns {Record<string, Position>} */
  get positions() {
    return Object.fromEntries([...this.rooms.wanted].filter(([, position]) => position));
  }

  /** Join rooms, now or as soon as there is a connection; kept through reconnects. */
  subscribe(...rooms) {
    this.rooms.want(rooms);
    this.changeSoon();
  }

  /** Leave rooms; nothing of them is told that comes later. */
  unsubscribe(...rooms) {
    this.rooms.forget(rooms.map(roomName));
    this.changeSoon();
  }

  /** Go on with a fresh token of the same user, without a new connection. */
  refresh(token) {
    this.token = token;
    if (this.state === "live") this.say({ type: "auth", token });
  }

  /** Connect, and stay connected until `close`. */
  start() {
    if (this.state !== "ended") return;
    this.refusedTokens = 0;
    this.backoff.reset();
    this.watchPage();
    this.connect();
  }

  /** Close the connection; `start` begins again. */
  close() {
    this.end(1000, "");
  }

  // --- one connection ---

  async connect() {
    this.stopTimer("retry");
    this.tell("connecting");
    const attempt = (this.attempt = {});
    let token;
    try {
      token = await this.freshToken();
    } catch (error) {
      if (this.attempt === attempt) this.lost(ABNORMAL, `no token could be had: ${error?.message ?? error}`);
      return;
    }
    if (this.attempt !== attempt || this.state !== "connecting") return;
    this.asked = new Set();
    this.acked = new Set();
    this.columns = new Columns();
    this.frameBytes = FRAME_BYTES;
    this.silence = OPEN_SECONDS * 1000;
    this.signedInAt = null;
    this.changing = false;
    const socket = (this.socket = new this.WebSocket(this.address));
    // The token goes in the first frame, not in the address, so that no proxy writes it down.
    socket.onopen = () => this.say({ type: "auth", token, ...(this.session && { session: this.session }) });
    socket.onmessage = ({ data }) => this.socket === socket && this.receive(data);
    socket.onclose = ({ code, reason }) => this.socket === socket && this.lost(code, reason);
    socket.onerror = () => {};
    this.heard();
  }

  async freshToken() {
    if (this.tokenProvider) this.token = await this.tokenProvider();
    return this.token;
  }

  say(frame) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  receive(text) {
    this.heard();
    try {
      for (const message of this.columns.messages(parse(text))) this.handle(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.drop(error.message);
    }
  }

  handle(message) {
    if (typeof message?.type !== "string") throw new ProtocolError("a message is an object with a type");
    const { type } = message;
    if (this.signedInAt === null && type !== "hello") throw new ProtocolError("the first frame is not hello");
    if (type === "batch") arrayOf(message.messages).forEach((each) => this.handle(each));
    else if (type === "hello") this.welcome(message);
    else if (type === "subscribed") this.acknowledge(message);
    else if (type === "gap") this.gap(message);
    else if (type === "error") this.refused(message);
    else if (type === "token_expiring") this.expiring(message);
    else if (message.room !== undefined && Number.isInteger(message.sequence)) this.event(message);
    else if (!QUIET.has(type)) this.emit(type, message);
  }

  welcome(message) {
    this.signedInAt = Date.now();
    this.refusedTokens = 0;
    // Only a server that counts connections has a use for the session of the one that was lost.
    this.session = message.limits?.connections === undefined ? "" : message.session;
    this.columns = new Columns(message.columns);
    this.frameBytes = message.limits?.frame_bytes ?? FRAME_BYTES;
    this.silence = (message.heartbeat_seconds || 30) * SILENT_HEARTBEATS * 1000;
    this.stopTimer("silence");
    this.heard();
    this.tell("live");
    this.emit("hello", message);
    this.change();
  }

  acknowledge(message) {
    const stories = [];
    for (const [room, standing] of Object.entries(message.rooms ?? {})) {
      const position = positionOf(standing);
      this.acked.add(room);
      if (Number.isInteger(standing.id)) this.columns.rooms.set(standing.id, room);
      const known = this.rooms.wanted.get(room) ?? null;
      if (standing.snapshot === undefined) {
        // Of a room that was joined before, the events themselves tell where it stands.
        if (known === null) this.rooms.stand(room, position);
        continue;
      }
      if (standing.recovered === false && known && isLog(room)) {
        stories.push(["gap", { type: "gap", room, since: known, ...position }]);
      }
      this.rooms.stand(room, position);
      stories.push(...this.snapshot(standing.snapshot, room, position.epoch));
    }
    this.emit("subscribed", message);
    stories.forEach(([type, detail]) => this.emit(type, detail));
  }

  gap(message) {
    const position = positionOf(message);
    const since = this.rooms.wanted.get(message.room);
    if (since === undefined) return;
    this.rooms.stand(message.room, position);
    this.emit("gap", { ...message, since });
    this.snapshot(message.snapshot, message.room, position.epoch).forEach(([type, detail]) => this.emit(type, detail));
  }

  snapshot(message, room, epoch) {
    if (!message || !this.rooms.wanted.has(room)) return [];
    const held = message.type === "batch" ? arrayOf(message.messages) : [message];
    return held.map((each) => [each.type, { ...each, epoch, is_snapshot: true }]);
  }

  event(message) {
    const { news, missed } = this.rooms.move(message.room, message.sequence);
    if (!news) return;
    const now = this.rooms.wanted.get(message.room);
    // The server tells its gaps itself; should one come without a word, it is told here.
    if (missed) this.emit("gap", { type: "gap", room: message.room, since: missed, ...now });
    this.emit(message.type, { ...message, epoch: now?.epoch ?? null, is_snapshot: false });
  }

  refused(message) {
    if (typeof message.room === "string") {
      this.rooms.forget([message.room]);
      this.asked.delete(message.room);
      this.acked.delete(message.room);
    } else if (message.error === "FRAME_LIMIT") {
      // The frame that was refused may have been one of ours: what has no ack is asked for again.
      this.asked = new Set([...this.asked].filter((room) => this.acked.has(room)));
      this.changing = true;
      this.startTimer("change", FLOOD_PAUSE, () => this.change());
    }
    this.emit("error", message);
  }

  async expiring(message) {
    this.emit("token_expiring", message);
    const now = Date.now();
    if (!this.tokenProvider || now - this.refreshedAt < REFRESH_SPACING) return;
    this.refreshedAt = now;
    const used = this.token;
    const socket = this.socket;
    try {
      const token = await this.freshToken();
      if (token !== used && this.socket === socket) this.say({ type: "auth", token });
    } catch {
      // The server closes when the token ends; then it is asked for again.
    }
  }

  // --- rooms ---

  changeSoon() {
    // Changes that are made one by one go out together, well below the server's 20 frames a second.
    if (this.state !== "live" || this.changing) return;
    this.changing = true;
    this.startTimer("change", FRAME_SPACING, () => this.change());
  }

  change() {
    this.changing = false;
    if (this.state !== "live") return;
    const leaving = [...this.asked].filter((room) => !this.rooms.wanted.has(room));
    const joining = [...this.rooms.wanted.keys()].filter((room) => !this.asked.has(room));
    for (const rooms of this.parts(leaving)) this.say({ type: "unsubscribe", rooms });
    for (const rooms of this.parts(joining)) {
      const since = rooms.map((room) => [room, this.rooms.wanted.get(room)]).filter(([, position]) => position);
      this.say({ type: "subscribe", rooms, ...(since.length && { since: Object.fromEntries(since) }) });
    }
    for (const room of leaving) {
      this.asked.delete(room);
      this.acked.delete(room);
    }
    for (const room of joining) this.asked.add(room);
  }

  /** Rooms in as few frames as the server's size allows, whether or not positions go with them. */
  parts(rooms) {
    const parts = [];
    let size = Infinity;
    for (const room of rooms) {
      const costs = 2 * new TextEncoder().encode(room).length + (this.rooms.wanted.get(room)?.epoch.length ?? 0) + 64;
      if (size + costs > this.frameBytes || parts.at(-1).length === MAX_ROOMS) {
        parts.push([]);
        size = ENVELOPE_BYTES;
      }
      parts.at(-1).push(room);
      size += costs;
    }
    return parts;
  }

  // --- the end of a connection ---

  heard() {
    this.heardAt = Date.now();
    if (!this.timers.has("silence")) this.startTimer("silence", this.silence, () => this.listen());
  }

  /** Drop a connection that says nothing any more, whatever the sockets say. */
  listen() {
    if (!this.socket) return;
    const left = this.heardAt + this.silence - Date.now();
    if (left <= 0) this.drop(`nothing came for ${Math.round(this.silence / 1000)} s`);
    else this.startTimer("silence", left, () => this.listen());
  }

  drop(reason) {
    this.hangUp(4000);
    this.lost(ABNORMAL, reason);
  }

  hangUp(code) {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
  }

  lost(code, reason) {
    this.hangUp(1000);
    this.stopTimer("silence");
    this.stopTimer("change");
    if (this.state === "ended") return;
    if (this.signedInAt !== null && Date.now() - this.signedInAt >= LIVED_SECONDS * 1000) this.backoff.reset();
    this.signedInAt = null;
    let again = mayReconnect(code);
    if (code === UNAUTHORIZED && this.tokenProvider) again = ++this.refusedTokens < 2;
    if (!again) {
      this.end(code, reason);
      return;
    }
    const wait = this.backoff.next();
    const isOffline = globalThis.navigator?.onLine === false;
    this.tell(isOffline ? "offline" : "waiting", { code, reason, retryIn: isOffline ? null : wait });
    // Without a network an attempt is in vain: the page is told when there is one.
    if (!isOffline) this.startTimer("retry", wait * 1000, () => this.connect());
  }

  end(code, reason) {
    this.attempt = null;
    if (this.state === "ended") return;
    for (const name of [...this.timers.keys()]) this.stopTimer(name);
    this.forgotten.splice(0).forEach((forget) => forget());
    this.tell("ended", { code, reason });
    this.hangUp(1000);
  }

  /** Come back at once when the network or the reader does; a timer may have slept with the page. */
  watchPage() {
    const listen = (target, type, listener) => {
      if (!target?.addEventListener) return;
      target.addEventListener(type, listener);
      this.forgotten.push(() => target.removeEventListener(type, listener));
    };
    const again = () => {
      if (this.state === "waiting" || this.state === "offline") this.connect();
      else this.listen();
    };
    listen(globalThis.window, "online", again);
    listen(globalThis.window, "offline", () => this.state === "live" && this.drop("the network is gone"));
    listen(globalThis.document, "visibilitychange", () => globalThis.document.visibilityState === "visible" && again());
  }

  startTimer(name, milliseconds, run) {
    this.stopTimer(name);
    this.timers.set(name, setTimeout(() => {
      this.timers.delete(name);
      run();
    }, milliseconds));
  }

  stopTimer(name) {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }

  // --- telling ---

  tell(state, more = {}) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, ...more } }));
  }

  emit(type, detail) {
    const key = this.gather && wholeKey(detail);
    if (!key) {
      this.dispatchEvent(new CustomEvent(type, { detail }));
      return;
    }
    const isFirst = !this.gathered.size;
    this.gathered.set(key, detail);
    if (isFirst) this.gather(() => this.giveGathered());
  }

  giveGathered() {
    const details = [...this.gathered.values()];
    this.gathered.clear();
    for (const detail of details) {
      if (this.rooms.wanted.has(detail.room)) this.dispatchEvent(new CustomEvent(detail.type, { detail }));
    }
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("a frame is not JSON");
  }
}

function positionOf(standing) {
  if (!Number.isInteger(standing?.sequence)) throw new ProtocolError("a position without a sequence");
  return { epoch: standing.epoch ?? "", sequence: standing.sequence };
}

function arrayOf(value) {
  if (!Array.isArray(value)) throw new ProtocolError("a list is missing");
  return value;
}
