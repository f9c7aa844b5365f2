// What an order would cost, at what price, and what is held for it. Pure.
// The server decides; this says the same thing earlier.

import * as money from "../money.js";

const ONE = money.parse("1");
const CENT = money.parse("0.01");
const HUNDRED = money.parse("100");

/** Return the price that a market order would meet now, or null. */
export function farPrice({ side }, quote) {
  return money.parse(side === "buy" ? quote?.ask : quote?.bid);
}

/** Return the price at which an order that waits would be triggered, if it were placed now. */
export function stopPrice(draft, quote) {
  if (draft.kind !== "trailing_stop") return draft.stopPrice;
  const far = farPrice(draft, quote);
  if (far === null || (draft.trailAmount === null && draft.trailPercent === null)) return null;
  const distance = draft.trailAmount ?? money.divided(money.times(far, draft.trailPercent), HUNDRED);
  return draft.side === "buy" ? far + distance : far - distance;
}

/** Return the worst price that the order can execute at, or null when that is unknown. */
export function worstPrice(draft, quote, instrument, buffer) {
  if (draft.kind === "oco") {
    return draft.stopLossLimit ?? beyond(draft.stopLoss, draft, instrument, buffer);
  }
  if (draft.limitPrice !== null) return draft.limitPrice;
  const near = draft.kind === "market" ? farPrice(draft, quote) : stopPrice(draft, quote);
  return beyond(near, draft, instrument, buffer);
}

/** Return the price a buffer beyond `price`: a market order is held for that much, and not more. */
function beyond(price, { side }, instrument, buffer) {
  if (price === null) return null;
  const increment = money.parse(instrument.price_increment);
  return side === "buy"
    ? money.up(money.times(price, ONE + buffer), increment)
    : money.down(money.times(price, ONE - buffer), increment);
}

/** Return the price that the order is expected to execute at, or null. */
export function expectedPrice(draft, quote) {
  const far = farPrice(draft, quote);
  const better = (a, b) => (draft.side === "buy" ? (a < b ? a : b) : a > b ? a : b);
  switch (draft.kind) {
    case "market":
      return far;
    case "oco":
      return draft.takeProfit;
    case "limit": // one that reaches the other side executes there, not at its limit
      return draft.limitPrice === null || far === null ? draft.limitPrice : better(draft.limitPrice, far);
    case "stop_limit":
      return draft.limitPrice === null || draft.stopPrice === null
        ? draft.limitPrice
        : better(draft.limitPrice, draft.stopPrice);
    default:
      return stopPrice(draft, quote);
  }
}

/**
 * Return the sums of a draft: `cost` at the price expected now, `units` that it is for, `held`
 * while it is open (USD for a buy, else 0), buying power `after` it, the `worst` price. Each is
 * null as long as a price or the quantity is missing.
 */
export function sums({ draft, quote, instrument, buffer, buyingPower }) {
  const worst = worstPrice(draft, quote, instrument, buffer);
  const expected = expectedPrice(draft, quote);
  const units = draft.isByValue
    ? unitsFor(draft.notional, expected, instrument)
    : draft.quantity;
  if (units === null || expected === null || worst === null) {
    return { cost: null, units, held: null, after: null, worst };
  }
  const cost = draft.isByValue ? draft.notional : money.up(money.times(expected, units), CENT);
  if (draft.side === "sell") return { cost, units, held: 0n, after: buyingPower, worst };
  const held = draft.isByValue ? draft.notional : money.up(money.times(worst, units), CENT);
  return { cost, units, held, after: buyingPower === null ? null : buyingPower - held, worst };
}

function unitsFor(notional, price, instrument) {
  if (notional === null || price === null) return null;
  return money.howMany(notional, price, money.parse(instrument.quantity_increment));
}

/** Return what an exit at `price` brings against an entry: { amount, percent } as decimals, or null. */
export function gain(price, entry, units) {
  if (price === null || !entry) return null;
  return {
    percent: money.divided((price - entry) * 100n, entry),
    amount: units === null ? null : money.times(price - entry, units),
  };
}
