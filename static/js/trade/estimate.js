// At what price an order would execute: what the fields begin with, and what exits bring. Pure.
// What it costs, holds and changes the server says (forecast.js).

import * as money from "../money.js";

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
 * Return what an exit at `price` brings against an entry: { amount, percent } as decimals, or null.
 * `side` is the exit's: what is bought back gains as the price falls.
 */
export function gain({ price, entry, units, side }) {
  if (price === null || !entry) return null;
  const each = side === "sell" ? price - entry : entry - price;
  return {
    percent: money.divided(each * 100n, entry),
    amount: units === null ? null : money.times(each, units),
  };
}
