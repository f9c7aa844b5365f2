// What is about to leave, said in full: the facts of a draft, before anybody presses.

import * as money from "../money.js";
import { store } from "../store.js";
import * as words from "../words.js";

/** Return { title, button, facts: [[word, value, why]], note } of a draft and its sums. */
export function of(draft, totals) {
  const instrument = store.instruments.get(draft.symbol);
  const digits = money.places(instrument.price_increment);
  const price = (value) => (value === null ? money.NONE : money.price(money.text(value), digits));
  const amount = (value) => (value === null ? money.NONE : `${money.money(money.text(value))} USD`);
  const units = totals.units === null ? money.NONE : money.quantity(money.text(totals.units));
  const size = draft.isByValue ? `${money.money(money.text(draft.notional))} USD of` : units;
  const isOco = draft.kind === "oco";
  return {
    title: isOco ? `Protect ${units} ${draft.symbol}` : `${words.side(draft.side)} ${size} ${draft.symbol}`,
    button: isOco ? "Place both exits" : `Place ${draft.side} order`,
    facts: [
      ...terms(draft, price),
      ["In force", words.timeInForce(draft.timeInForce), words.timeInForceWhy(draft.timeInForce)],
      ...(draft.isByValue ? [["Quantity, about", `${units} ${words.unit(instrument)}`]] : []),
      ...(isOco ? [] : exits(draft, price)),
      ...cost(draft, totals, { amount, price, units }),
      ["Margin", "Not used"],
    ],
    note: note(draft, totals, price),
  };
}

function terms(draft, price) {
  const kind = {
    market: () => "Market",
    limit: () => `Limit at ${price(draft.limitPrice)}`,
    stop: () => `Stop at ${price(draft.stopPrice)}`,
    stop_limit: () => `Stop at ${price(draft.stopPrice)}, limit ${price(draft.limitPrice)}`,
    trailing_stop: () =>
      draft.trailPercent === null
        ? `Trailing stop, ${price(draft.trailAmount)} behind`
        : `Trailing stop, ${money.quantity(money.text(draft.trailPercent))} % behind`,
    oco: () => "Take profit or stop loss",
  }[draft.kind]();
  const shown =
    draft.shown === null
      ? []
      : [["Shown", draft.shown === 0n ? "Nothing (hidden)" : `${money.quantity(money.text(draft.shown))} at a time`]];
  return [
    ["Type", kind],
    ...(draft.kind === "oco" ? exits(draft, price) : []),
    ...(draft.isPostOnly ? [["Post-only", "Yes", "Cancelled rather than filled at once."]] : []),
    ...shown,
    ...(draft.extendedHours ? [["Extended hours", "Yes"]] : []),
  ];
}

function exits({ takeProfit, stopLoss, stopLossLimit }, price) {
  const loss = stopLossLimit === null ? price(stopLoss) : `${price(stopLoss)}, limit ${price(stopLossLimit)}`;
  return [
    ...(takeProfit === null ? [] : [["Take profit", price(takeProfit), "Sells at this price or better."]]),
    ...(stopLoss === null ? [] : [["Stop loss", loss, "Sells once the price falls to this."]]),
  ];
}

function cost(draft, totals, { amount, price, units }) {
  const isBuy = draft.side === "buy";
  const worst = ["Worst price", price(totals.worst), "No unit trades at a worse price than this."];
  return isBuy
    ? [
        ["Estimated cost", amount(totals.cost)],
        ["Fees", "None"],
        worst,
        ["Held until it is filled", amount(totals.held), "What is not needed comes back with the fill."],
        ["Buying power after", amount(totals.after)],
      ]
    : [
        ["Estimated proceeds", amount(totals.cost)],
        ["Fees", "None"],
        worst,
        ["Held until it is filled", `${units} ${draft.symbol}`, "They cannot be sold twice meanwhile."],
      ];
}

function note(draft, { worst }, price) {
  const until = words.timeInForceWhy(draft.timeInForce);
  const held = draft.takeProfit === null && draft.stopLoss === null
    ? ""
    : " The exits wait with us until something is bought; the one that fills cancels the other.";
  switch (draft.kind) {
    case "market":
      return draft.side === "buy"
        ? `Fills at the best prices there are, at most ${price(worst)} each.${held}`
        : `Fills at the best prices there are, at least ${price(worst)} each.`;
    case "limit":
      return `Fills at your limit or better: ${until}.${held}`;
    case "oco":
      return `Whichever price comes first sells; the other is cancelled: ${until}.`;
    case "stop_limit":
      return `Waits with us, ${until}. At the stop it becomes a limit order, which may stay unfilled.${held}`;
    default:
      return `Waits with us, ${until}. At the stop it becomes a market order.${held}`;
  }
}
