// What is about to leave, said in full: the facts of a draft, before anybody presses.

import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { store } from "../store.js";
import * as words from "../words.js";
import { exitSide } from "./terms.js";

/** Return { title, button, facts: [[word, value, why]], note } of a draft and its estimate. */
export function of(draft, told) {
  const instrument = store.instruments.get(draft.symbol);
  const price = (value) =>
    value === null ? money.NONE : money.price(money.text(value), steps.places(instrument, money.text(value)));
  const digits = steps.places(instrument, told.price);
  const units = money.quantity(told.qty);
  const size = draft.isByValue ? `${money.money(money.text(draft.notional))} USD of` : units;
  const isOco = draft.kind === "oco";
  return {
    title: isOco ? `Protect ${units} ${draft.symbol}` : `${words.deed(told)} ${size} ${draft.symbol}`,
    button: isOco ? "Place both exits" : `Place ${words.deedName(told)}`,
    facts: [
      ...terms(draft, price),
      ["In force", words.timeInForce(draft.timeInForce), words.timeInForceWhy(draft.timeInForce)],
      ...(draft.isByValue ? [["Quantity, about", `${units} ${words.unit(instrument)}`]] : []),
      ...(isOco ? [] : exits(draft, price)),
      ...cost(draft, told, digits),
      ...margin(told),
    ],
    note: note(draft, told, (value) => money.price(value, digits)),
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

function exits(draft, price) {
  const { takeProfit, stopLoss, stopLossLimit } = draft;
  const why = words.exits(exitSide(draft));
  const loss = stopLossLimit === null ? price(stopLoss) : `${price(stopLoss)}, limit ${price(stopLossLimit)}`;
  return [
    ...(takeProfit === null ? [] : [["Take profit", price(takeProfit), why.profit]]),
    ...(stopLoss === null ? [] : [["Stop loss", loss, why.loss]]),
  ];
}

const usd = (value) => (value === null ? money.NONE : `${money.money(value)} USD`);

function cost(draft, told, digits) {
  const isBuy = draft.side === "buy";
  const fees = told.fees.map(({ words: name, amount }) => [name, usd(amount)]);
  const held = told.held && (told.held.asset === "USD" ? usd(told.held.amount) : words.held(told.held));
  return [
    [fees.length ? "Value" : isBuy ? "Estimated cost" : "Estimated proceeds", usd(told.value), "At the price that it would meet now."],
    ...(fees.length ? fees : [["Fees", "None"]]),
    ...(fees.length ? [[isBuy ? "Estimated cost" : "Estimated proceeds", usd(told.total)]] : []),
    ["Worst price", money.price(told.worst_price, digits), "No unit trades at a worse price than this."],
    ["Held until it is filled", held ?? money.NONE, "What is not needed comes back with the fill."],
    ["Buying power", change(told.buying_power, told.buying_power_after), "Now, and once the order is in."],
  ];
}

const change = (now, after) => `${money.money(now)} → ${money.money(after)}`;

/** Of a margin account: what it must have, now and once the order is filled. */
function margin({ margin: told }) {
  if (!told) return [];
  const [now, after] = told;
  const borrowed = money.parse(after.cash) < 0n ? [["Borrowed after", usd(after.cash.replace("-", "")), "Costs interest for each day."]] : [];
  return [
    ["Required to open", change(now.initial_margin, after.initial_margin), "What all positions require of your equity."],
    ["Required to keep", change(now.maintenance_margin, after.maintenance_margin), "With less equity than this you are called for more."],
    ["Equity beyond that", change(now.excess, after.excess), "What you could lose before a margin call."],
    ...borrowed,
  ];
}

function note(draft, { worst_price: worst }, plain) {
  const until = words.timeInForceWhy(draft.timeInForce);
  const held = waiting(draft);
  switch (draft.kind) {
    case "market": {
      const where = words.isForAuction(draft.timeInForce) ? until : "at the best prices there are";
      return `Fills ${where}, ${draft.side === "buy" ? "at most" : "at least"} ${plain(worst)} each.${held}`;
    }
    case "limit":
      return `Fills at your limit or better: ${until}.${held}`;
    case "oco":
      return `Whichever price comes first ${words.exits(draft.side).does}; the other is cancelled: ${until}.`;
    case "stop_limit":
      return `Waits with us, ${until}. At the stop it becomes a limit order, which may stay unfilled.${held}`;
    default:
      return `Waits with us, ${until}. At the stop it becomes a market order.${held}`;
  }
}

/** Say what the exits of an order do until it is filled; "" without any. */
function waiting({ side, takeProfit, stopLoss }) {
  const until = `with us until something is ${side === "buy" ? "bought" : "sold"}`;
  if (takeProfit !== null && stopLoss !== null) return ` The exits wait ${until}; the one that fills cancels the other.`;
  if (takeProfit !== null) return ` The take-profit waits ${until}.`;
  return stopLoss === null ? "" : ` The stop-loss waits ${until}.`;
}
