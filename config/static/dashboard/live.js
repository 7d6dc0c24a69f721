// The one live connection of the page, and what a reader is told about it.

import { StockroomSocket, UNAUTHORIZED } from "../clients/stockroom.js";
import { freshToken } from "./api.js";
import { node } from "./format.js";

const WORDS = { connecting: "connecting", live: "live", waiting: "reconnecting", offline: "no network", ended: "not live" };
const MOST_NOTICES = 4;

let refused = false;

export const live = new StockroomSocket(location.origin, {
  compact: true,
  // A screen shows no more than the newest price of each painted frame.
  gather: requestAnimationFrame,
  tokenProvider: async () => {
    const token = await freshToken(refused);
    refused = false;
    return token;
  },
});

live.on("state", ({ detail: { state, code, reason } }) => {
  if (code === UNAUTHORIZED) refused = true;
  const link = document.getElementById("link");
  link.dataset.state = state;
  link.textContent = WORDS[state];
  link.title = reason || "";
  if (state === "ended" && code !== 1000) notify(`The live connection has ended: ${reason || code}.`);
});
live.on("gap", ({ detail }) => notify(`Some events of ${detail.room} were lost. What is shown now is current.`));
live.on("error", ({ detail }) => notify(`${detail.room ?? "The server"}: ${detail.message}`));

// Tell the reader something that stays until it is read.
export function notify(text) {
  const notices = document.getElementById("notices");
  const time = new Date().toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
  const notice = node("li", {}, node("span", { text: `${time} ${text}` }));
  notice.append(node("button", { type: "button", className: "icon", text: "×", ariaLabel: "Dismiss", onclick: () => notice.remove() }));
  notices.append(notice);
  while (notices.children.length > MOST_NOTICES) notices.firstChild.remove();
}
