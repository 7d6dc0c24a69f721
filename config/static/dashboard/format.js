// Figures as people read them; what is unknown is a dash.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const price = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
// Below 1 two places would hide most of a price.
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const percent = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero" });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const UNKNOWN = "–";

// Prices that stand below each other, with as many places as the finest of them.
export function formatAlike(values) {
  const known = values.filter((value) => value != null);
  if (known.some((value) => Math.abs(value) < 1)) return formatPrice;
  const places = known.every(Number.isInteger) ? whole : price;
  return (value) => (value == null ? UNKNOWN : places.format(value));
}

export function formatPrice(value) {
  if (value == null) return UNKNOWN;
  return (Number.isInteger(value) ? whole : Math.abs(value) < 1 ? small : price).format(value);
}
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
