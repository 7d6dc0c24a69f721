// Search a stock by name or code; a pick adds it to the board.

import { call } from "./api.js";
import { node } from "./format.js";

const PAUSE = 150;
const MOST = 8;

export function startSearch(onPick) {
  const form = document.getElementById("search");
  const input = document.getElementById("search-text");
  const results = document.getElementById("search-results");
  let typing = null;
  let asked = "";

  const close = () => {
    results.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };
  const suggest = async () => {
    const text = (asked = input.value.trim());
    const found = text ? await call("GET", `/v1/stocks/search?q=${encodeURIComponent(text)}`) : [];
    if (asked !== text) return; // a later question is on its way
    results.replaceChildren(...found.slice(0, MOST).map(({ symbol, company_name: name }) => {
      const pick = () => {
        close();
        input.value = "";
        onPick(symbol, name);
      };
      return node("li", {}, node("button", { type: "button", onclick: pick }, node("small", { text: symbol }), name));
    }));
    if (text && !found.length) results.append(node("li", { className: "quiet", text: "No stock is called so." }));
    results.hidden = !text;
    input.setAttribute("aria-expanded", String(!results.hidden));
  };

  input.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(suggest, PAUSE);
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    clearTimeout(typing);
    await suggest();
    results.querySelector("button")?.click();
  };
  form.onkeydown = (event) => {
    const buttons = [...results.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      input.focus();
    } else if (event.key === "ArrowDown" && buttons.length) {
      event.preventDefault();
      buttons[(at + 1) % buttons.length].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (buttons[at - 1] ?? input).focus();
    }
  };
  document.addEventListener("click", (event) => form.contains(event.target) || close());
}
