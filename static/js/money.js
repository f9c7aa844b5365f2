// Exact numbers. A decimal is a BigInt of billionths: floats are for pixels and the chart alone.

const DIGITS = 9;
const ONE = 10n ** BigInt(DIGITS);
const PLAIN = /^-?\d{1,18}(\.\d{1,18})?$/;
export const MINUS = "\u2212";
export const NONE = "\u2013";

/** Return the decimal that `text` says, or null when it is not a plain decimal number. */
export function parse(text) {
  const plain = String(text ?? "").trim();
  if (!PLAIN.test(plain)) return null;
  const isNegative = plain.startsWith("-");
  const [whole, fraction = ""] = plain.replace("-", "").split(".");
  if (/[1-9]/.test(fraction.slice(DIGITS))) return null; // finer than anything that is traded
  const value = BigInt(whole) * ONE + BigInt(fraction.slice(0, DIGITS).padEnd(DIGITS, "0"));
  return isNegative ? -value : value;
}

/** Return what a person typed as a decimal: thousands' commas and spaces are forgiven. */
export function parseTyped(text) {
  const typed = String(text ?? "").replace(/[\s,]/g, "");
  return parse(typed.startsWith(".") ? `0${typed}` : typed.replace(/\.$/, ""));
}

/** Return a decimal as the plain text that the API takes, without trailing zeros. */
export function text(value) {
  const digits = (value < 0n ? -value : value).toString().padStart(DIGITS + 1, "0");
  const whole = digits.slice(0, -DIGITS);
  const fraction = digits.slice(-DIGITS).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}

/** Return a * b, rounded away from zero to a billionth: a cost is never understated. */
export function times(a, b) {
  const product = a * b;
  const cut = product / ONE;
  return product % ONE === 0n ? cut : cut + (product < 0n ? -1n : 1n);
}

/** Return a / b, cut to a billionth. */
export const divided = (a, b) => (a * ONE) / b;

export function down(value, increment) {
  return value - (((value % increment) + increment) % increment);
}

export function up(value, increment) {
  const lower = down(value, increment);
  return lower === value ? value : lower + increment;
}

export function isWhole(value, increment) {
  return value % increment === 0n;
}

/** Return the decimal places of an increment such as "0.01". */
export function places(increment) {
  const [, fraction = ""] = String(increment).split(".");
  return fraction.replace(/0+$/, "").length;
}

const formats = new Map();

function format(digitsMin, digitsMax, sign) {
  const key = `${digitsMin}:${digitsMax}:${sign}`;
  if (!formats.has(key)) {
    formats.set(
      key,
      new Intl.NumberFormat(undefined, {
        minimumFractionDigits: digitsMin,
        maximumFractionDigits: digitsMax,
        signDisplay: sign,
      }),
    );
  }
  return formats.get(key);
}

function shown(value, digitsMin, digitsMax, sign) {
  if (value === null || value === undefined || value === "") return NONE;
  // Intl formats decimal strings exactly, without a detour over floats.
  return format(digitsMin, digitsMax, sign).format(String(value)).replace("-", MINUS);
}

/** Return a decimal string as an amount of money. */
export const money = (value) => shown(value, 2, 2, "auto");

export const signedMoney = (value) => shown(value, 2, 2, "exceptZero");

/** Return a price with its instrument's own precision. */
export const price = (value, digits) => shown(value, digits, digits, "auto");

export const signedPrice = (value, digits) => shown(value, digits, digits, "exceptZero");

export const quantity = (value) => shown(value, 0, DIGITS, "auto");

/** Return a percentage, given in percent. */
export function percent(value) {
  return value === null || value === undefined ? NONE : `${shown(value, 2, 2, "exceptZero")}%`;
}

/** Return a ratio such as "0.0123" as a percentage. */
export function ratio(value) {
  const exact = parse(value);
  return exact === null ? NONE : percent(text(exact * 100n));
}

/** Return "up", "down" or "" for the sign of a decimal string. */
export function direction(value) {
  const exact = parse(value);
  if (exact === null || exact === 0n) return "";
  return exact > 0n ? "up" : "down";
}
