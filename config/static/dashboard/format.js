// Figures as people read them; what is unknown is a dash.

const price = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero" });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const UNKNOWN = "–";

export const formatPrice = (value) => (value == null ? UNKNOWN : price.format(value));
export const formatPercent = (value) => (value == null ? UNKNOWN : `${percent.format(value)} %`);
export const formatShort = (value) => (value == null ? UNKNOWN : short.format(value));
export const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

export function node(name, { text, className, ...rest } = {}, ...children) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  Object.assign(made, rest);
  made.append(...children);
  return made;
}
