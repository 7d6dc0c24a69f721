// A WebSocket for the module's tests, over node's own http client: Node 20 has none.

import { randomBytes } from "node:crypto";
import { request } from "node:http";

export class NodeWebSocket {
  static opened = 0;

  constructor(address) {
    NodeWebSocket.opened += 1;
    this.readyState = 0;
    this.buffer = Buffer.alloc(0);
    const url = new URL(address.replace(/^ws/, "http"));
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      "Sec-WebSocket-Version": "13",
    };
    this.handshake = request(url, { headers, agent: false });
    this.handshake.on("upgrade", (response, socket, head) => this.open(socket, head));
    this.handshake.on("response", () => this.finish(1006, ""));
    this.handshake.on("error", () => this.finish(1006, ""));
    this.handshake.end();
  }

  open(socket, head) {
    if (this.readyState === 3) {
      socket.destroy();
      return;
    }
    this.socket = socket;
    this.readyState = 1;
    socket.on("data", (part) => this.read(part));
    socket.on("error", () => this.finish(1006, ""));
    socket.on("close", () => this.finish(1006, ""));
    this.onopen?.({});
    if (head.length) this.read(head);
  }

  read(part) {
    this.buffer = Buffer.concat([this.buffer, part]);
    for (;;) {
      if (this.buffer.length < 2) return;
      let size = this.buffer[1] & 127;
      let at = 2;
      if (size === 126) {
        if (this.buffer.length < 4) return;
        size = this.buffer.readUInt16BE(2);
        at = 4;
      } else if (size === 127) {
        if (this.buffer.length < 10) return;
        size = Number(this.buffer.readBigUInt64BE(2));
        at = 10;
      }
      if (this.buffer.length < at + size) return;
      const opcode = this.buffer[0] & 15;
      const payload = this.buffer.subarray(at, at + size);
      this.buffer = this.buffer.subarray(at + size);
      if (opcode === 1) this.onmessage?.({ data: payload.toString() });
      else if (opcode === 9) this.write(10, payload);
      else if (opcode === 8) {
        this.finish(payload.length ? payload.readUInt16BE(0) : 1005, payload.subarray(2).toString());
      }
    }
  }

  write(opcode, payload) {
    // A mask of zeros leaves the bytes as they are.
    const size = payload.length;
    const head = size < 126 ? Buffer.from([128 | opcode, 128 | size]) : Buffer.from([128 | opcode, 254, size >> 8, size & 255]);
    this.socket?.write(Buffer.concat([head, Buffer.alloc(4), payload]));
  }

  send(text) {
    this.write(1, Buffer.from(text));
  }

  close(code = 1000) {
    if (this.readyState === 1) this.write(8, Buffer.from([code >> 8, code & 255]));
    if (this.readyState === 0) this.handshake.destroy();
    this.finish(code, "");
  }

  finish(code, reason) {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.socket?.end();
    setTimeout(() => this.onclose?.({ code, reason }));
  }
}
