// Live prices over the WebSocket, with reconnects by exponential backoff and full jitter.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const UNAUTHORIZED = 4401;

export class LivePrices {
  // onPrice(code, data) for each price_update; onState("live" | "waiting" | "off");
  // token() gives the access token, renew() a promise of a fresh one.
  constructor({ onPrice, onState, token, renew }) {
    Object.assign(this, { onPrice, onState, token, renew });
    this.codes = new Set();
    this.attempt = 0;
    this.socket = null;
    this.timer = null;
  }

  watch(codes) {
    const fresh = codes.filter((code) => !this.codes.has(code));
    fresh.forEach((code) => this.codes.add(code));
    if (fresh.length) this.subscribe(fresh);
  }

  start() {
    clearTimeout(this.timer);
    if (this.socket || !this.token()) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/stocks`);
    this.socket = socket;
    // The token goes in the first frame, not in the address, so that no proxy writes it down.
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token: this.token() }));
    socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    socket.onclose = (event) => this.closed(event.code);
  }

  stop() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
    this.onState("off");
  }

  subscribe(codes) {
    if (this.socket?.readyState !== WebSocket.OPEN || !codes.length) return;
    this.socket.send(JSON.stringify({ type: "subscribe", rooms: codes.map((code) => `price:${code}`) }));
  }

  receive(message) {
    if (message.type === "hello") {
      this.attempt = 0;
      this.onState("live");
      this.subscribe([...this.codes]);
    } else if (message.type === "price_update") {
      this.onPrice(message.stock_code, message.data);
    } else if (message.type === "batch") {
      message.messages.forEach((each) => this.receive(each));
    } else if (message.type === "subscribed") {
      Object.values(message.rooms ?? {}).forEach((room) => room.snapshot && this.receive(room.snapshot));
    }
  }

  closed(code) {
    if (!this.socket) return;
    this.socket = null;
    this.onState("waiting");
    const wait = Math.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.attempt++);
    const again = () => this.start();
    this.timer = setTimeout(() => {
      if (code === UNAUTHORIZED) this.renew().then(again, () => this.onState("off"));
      else again();
    }, wait);
  }
}
