// What an order would cost, and what speaks against it before it leaves. Pure.
// The server decides; these rules only say the same thing earlier, beside the field.

import * as money from "../money.js";

const ONE = money.parse("1");
const CENT = money.parse("0.01");

/** Return the price that a market order would meet now, or null. */
export function farPrice(draft, quote) {
  return money.parse(draft.side === "buy" ? quote?.ask : quote?.bid);
}

/** Return the worst price that the order can execute at, or null when that is unknown. */
export function worstPrice(draft, quote, instrument, buffer) {
  if (draft.type === "limit") return draft.limitPrice;
  const far = farPrice(draft, quote);
  if (far === null) return null;
  const increment = money.parse(instrument.price_increment);
  return draft.side === "buy"
    ? money.up(money.times(far, ONE + buffer), increment)
    : money.down(money.times(far, ONE - buffer), increment);
}

/**
 * Return the sums of a draft: `cost` at the price expected now, `held` while it is open, and
 * buying power `after` it. A sum is null as long as a price or the quantity is missing.
 */
export function sums({ draft, quote, instrument, buffer, buyingPower }) {
  const far = farPrice(draft, quote);
  const worst = worstPrice(draft, quote, instrument, buffer);
  const expected = expectedPrice(draft, far);
  const { quantity } = draft;
  if (quantity === null || expected === null || worst === null) {
    return { cost: null, held: null, after: null, worst };
  }
  const cost = money.up(money.times(expected, quantity), CENT);
  if (draft.side === "sell") return { cost, held: 0n, after: buyingPower, worst };
  const held = money.up(money.times(worst, quantity), CENT);
  return { cost, held, after: buyingPower === null ? null : buyingPower - held, worst };
}

/** A limit that reaches the other side is expected to execute there, not at its limit. */
function expectedPrice(draft, far) {
  if (draft.type === "market") return far;
  if (draft.limitPrice === null || far === null) return draft.limitPrice;
  const reaches = draft.side === "buy" ? draft.limitPrice >= far : draft.limitPrice <= far;
  return reaches ? far : draft.limitPrice;
}

/**
 * Return what speaks against the order: { quantity, limit, order } with a sentence each, and
 * `lower`, the quantity that would be possible instead. Empty when nothing does.
 */
export function flaws({ draft, instrument, totals, buyingPower, available }) {
  const found = {};
  const digits = money.places(instrument.price_increment);
  const increment = money.parse(instrument.quantity_increment);
  const least = money.parse(instrument.quantity_min);
  const { quantity, limitPrice } = draft;

  if (quantity === null) {
    found.quantity = "Say how many, as a number.";
  } else if (quantity < least) {
    found.quantity = `The least is ${money.quantity(instrument.quantity_min)}.`;
  } else if (!money.isWhole(quantity, increment)) {
    found.quantity = `${instrument.symbol} trades in steps of ${money.quantity(instrument.quantity_increment)}.`;
  }
  if (draft.type === "limit") {
    const tick = money.parse(instrument.price_increment);
    if (limitPrice === null || limitPrice <= 0n) {
      found.limit = "Say the worst price that you accept.";
    } else if (!money.isWhole(limitPrice, tick)) {
      found.limit = `Prices go in steps of ${money.price(instrument.price_increment, digits)}.`;
    }
  }
  if (found.quantity || found.limit) return found;

  if (!instrument.tradable || instrument.halted) {
    found.order = `Trading in ${instrument.symbol} is halted. Try again later.`;
  } else if (draft.side === "sell" && available !== null && quantity > available) {
    found.quantity =
      available > 0n
        ? `You can sell ${money.quantity(money.text(available))} ${instrument.symbol}.`
        : `You have no ${instrument.symbol} to sell.`;
    found.lower = available;
  } else if (draft.side === "buy" && totals.held !== null && totals.after !== null) {
    if (totals.after < 0n) {
      const lower = money.howMany(buyingPower, totals.worst, increment);
      const advice =
        lower >= least
          ? `Lower the quantity to ${money.quantity(money.text(lower))} or deposit.`
          : "Deposit first.";
      found.quantity =
        `Not enough buying power: this order needs ${money.money(money.text(totals.held))} USD, ` +
        `you have ${money.money(money.text(buyingPower))}. ${advice}`;
      found.lower = lower >= least ? lower : null;
    }
  } else if (totals.cost === null) {
    found.order = `There is no price of ${instrument.symbol} to trade at now. Use a limit order.`;
  }
  return found;
}
