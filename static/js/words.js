// The words of orders and events, once, for every page.

import * as money from "./money.js";

const STATES = {
  pending: ["Received", "We have it; it has not left yet."],
  sent: ["Sent", "On its way to the market."],
  held: ["Held", "It waits with us, not in the market, until its price or its turn comes."],
  submitted: ["Working", "In the market, waiting for its price."],
  partially_filled: ["Partly filled", "A part is done; the rest is in the market."],
  pending_cancel: ["Cancelling", "The market was asked to cancel it. It may still fill until then."],
  pending_replace: ["Changing", "The market was asked to change it. Until it has, this order stands."],
  unknown: ["Not confirmed", "Not confirmed: we are asking the venue. It may be in the market, or not."],
  filled: ["Filled", "All of it is done."],
  cancelled: ["Cancelled", "Ended before all of it was filled."],
  rejected: ["Rejected", "It did not go through. No money moved."],
  expired: ["Expired", "Its time ran out before all of it was filled."],
  replaced: ["Replaced", "Another order took its place."],
};
const FINAL = new Set(["filled", "cancelled", "rejected", "expired", "replaced"]);
const TIMES_IN_FORCE = {
  day: ["Day", "Day", "until the session ends"],
  gtc: ["GTC", "Until cancelled (GTC)", "until it is filled or you cancel it, 90 days at most"],
  ioc: ["IOC", "Fill now what can be (IOC)", "fill now what can be, cancel the rest"],
  fok: ["FOK", "All now or nothing (FOK)", "all of it now, or nothing"],
  opg: ["Open", "At the open (OPG)", "only in the opening auction, at its one price"],
  cls: ["Close", "At the close (CLS)", "only in the closing auction, at its one price"],
};
const TYPES = {
  market: "Market",
  limit: "Limit",
  stop: "Stop",
  stop_limit: "Stop limit",
  trailing_stop: "Trailing stop",
};
const CLASSES = { bracket: "Bracket", oto: "One exit attached (OTO)", oco: "Two exits, one cancels other (OCO)" };
const ROLES = { entry: "Entry", take_profit: "Take profit", stop_loss: "Stop loss" };

/** Where the order is, by our own names: the API's closed list says less. */
const stateOf = ({ state, status }) => (status === "accepted" ? "sent" : state);
const AUCTIONS = { opg: "opening", cls: "closing" };

export const stateWord = (order) => (STATES[stateOf(order)] ?? [order.state])[0];
export const stateWhy = (order) => {
  const state = stateOf(order);
  const auction = AUCTIONS[order.time_in_force];
  return state === "submitted" && auction ? `In the market, waiting for the ${auction} auction.` : (STATES[state] ?? ["", ""])[1];
};
/** Whether an order with this time in force trades in an auction alone. */
export const isForAuction = (timeInForce) => timeInForce in AUCTIONS;
export const isFinal = ({ state }) => FINAL.has(state);
/** Whether a cancel or a change can be asked for now. */
export const isCancellable = (order) => !isFinal(order) && order.state !== "pending_cancel";
export const isChangeable = (order) =>
  ["held", "submitted", "partially_filled"].includes(order.state) && !order.notional;
export const timeInForce = (word) => (TIMES_IN_FORCE[word] ?? [word])[0];
export const timeInForceLong = (word) => (TIMES_IN_FORCE[word] ?? [word, word])[1];
export const timeInForceWhy = (word) => (TIMES_IN_FORCE[word] ?? ["", "", ""])[2];
export const side = (word) => (word === "buy" ? "Buy" : "Sell");
const EXITS = {
  sell: {
    does: "sells",
    profit: "Sells at this price or better.",
    loss: "Sells once the price falls to this.",
    limit: "And not below, USD",
    whenProfit: "Once bought, sell at this price or better. Waits until the buy is filled.",
    whenLoss: "Once bought, sell when the price falls to this stop. Waits until the buy is filled.",
    both: "Two exits for what you hold: a limit above the price and a stop below it. The one that fills cancels the other (OCO).",
  },
  buy: {
    does: "buys back",
    profit: "Buys back at this price or better.",
    loss: "Buys back once the price rises to this.",
    limit: "And not above, USD",
    whenProfit: "Once sold short, buy back at this price or better. Waits until the sale is filled.",
    whenLoss: "Once sold short, buy back when the price rises to this stop. Waits until the sale is filled.",
    both: "Two exits for what you are short: a limit below the price and a stop above it. The one that fills cancels the other (OCO).",
  },
};
/** Return what is said of exits that trade on this side. */
export const exits = (word) => EXITS[word];
const INTENTS = { sell_to_open: "Sell short", buy_to_close: "Buy to cover" };
/** Return what an order does: "Buy", "Sell", "Sell short", "Buy to cover". */
export const deed = ({ side: way, position_intent: intent }) => INTENTS[intent] ?? side(way);
/** The same as a noun, for buttons: "Review short sale". */
export const deedName = ({ side: way, position_intent: intent }) =>
  ({ sell_to_open: "short sale", buy_to_close: "buy to cover" })[intent] ?? `${way} order`;
/** Return what is set aside, as { asset, amount }. */
export const held = (what) => {
  if (!what) return money.NONE;
  return what.asset === "USD" ? money.money(what.amount) : `${money.quantity(what.amount)} ${what.asset}`;
};
export const type = (word) => TYPES[word] ?? word;
export const orderClass = (word) => CLASSES[word] ?? "";
export const role = (word) => ROLES[word] ?? "";
/** What a person should know of an order that went all the same. */
export const warnings = (order) => (order.warnings ?? []).map(({ message }) => message).join(" ");

const WARNINGS = {
  possible_duplicate: "duplicate?",
  large_against_volume: "large",
  wide_spread: "wide spread",
  unusual_volatility: "volatile",
  far_from_market: "far from market",
};
/** The same in a word or two each, where there is little room. */
export const warned = (order) => (order.warnings ?? []).map(({ code }) => WARNINGS[code] ?? "note").join(", ");

/** Return what an instrument is counted in: shares, or the coin itself. */
export const unit = ({ asset_class: kind, symbol }) =>
  kind === "crypto" ? symbol.split("/")[0] : "shares";

/** Return how much an order is for: its quantity, or its value. */
export const size = ({ qty, notional }) =>
  qty ? money.quantity(qty) : notional ? `${money.money(notional)} USD` : money.NONE;

/** Return an order's terms in a few words: "Stop 98.50", "Limit 101.20, shows 10", "Trail 2 %". */
export function terms(order, digits) {
  const price = (value) => money.price(value, digits);
  const shown = order.display_qty;
  return [
    kindOf(order, price),
    shown === null || shown === undefined ? "" : money.parse(shown) > 0n ? `shows ${money.quantity(shown)}` : "hidden",
    order.post_only ? "post-only" : "",
    order.extended_hours ? "extended hours" : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function kindOf(order, price) {
  switch (order.type) {
    case "limit":
      return `Limit ${price(order.limit_price)}`;
    case "stop":
      return `Stop ${price(order.stop_price)}`;
    case "stop_limit":
      return `Stop ${price(order.stop_price)}, limit ${price(order.limit_price)}`;
    case "trailing_stop":
      return order.trail_percent
        ? `Trail ${money.quantity(order.trail_percent)} %`
        : `Trail ${price(order.trail_price)}`;
    default:
      return type(order.type);
  }
}

/** Return the price at which a trailing stop would go now, as a decimal; null where nobody knows. */
export function trailingStop(order) {
  const mark = money.parse(order.hwm);
  if (order.type !== "trailing_stop" || mark === null) return null;
  const amount = money.parse(order.trail_price);
  const distance = amount ?? money.divided(money.times(mark, money.parse(order.trail_percent)), money.parse("100"));
  return order.side === "buy" ? mark + distance : mark - distance;
}

/** Return who did something: "user:ID" is the customer, who reads this. */
export function actor(name) {
  const [kind, id = ""] = name.split(/:(.*)/s);
  const words = { user: "You", venue: "Exchange", rule: "Openfloor", operator: "Operations" };
  if (kind === "api_key") return `API key ${id}`;
  return words[kind] ?? name;
}

const HAPPENED = {
  submitted: "sent",
  held: "held until its price or its turn comes",
  triggered: "triggered: its price was reached",
  accepted: "accepted by the exchange",
  cancel_requested: ": cancel requested",
  replace_requested: ": change requested",
  pending_replace: "asked to take over",
  resized: "sized to what is left of its group",
  cancelled: "cancelled",
  expired: "expired",
  replaced: "replaced by another order",
  rejected: "rejected by the exchange",
  denied: "refused",
  doubted: ": not confirmed, we are asking the venue",
  confirmed: ": the venue has confirmed it",
  cancel_rejected: ": the cancel was rejected",
  replace_rejected: ": the change was rejected",
};

/**
 * Return what an event of the account's log says, as one sentence. `digits` are the places of its
 * price; without them it has as many as it needs, and two at least.
 */
export function event({ kind, payload }, digits) {
  const [area, happened] = kind.split(/\.(.*)/s);
  if (area === "order") return orderEvent(happened, payload, digits) ?? plain(kind);
  if (area === "money" || area === "margin") return moneyEvent(kind, payload) ?? plain(kind);
  if (area === "holding") return coinsEvent(happened, payload) ?? holdingEvent(happened, payload);
  switch (kind) {
    case "account.settings_changed":
      return `Settings changed: ${Object.entries(payload).map(([name, value]) => `${plain(name)} ${plain(value)}`).join(", ")}`;
    case "account.good_faith_violation":
      return "Good-faith violation: sold before the money that it was bought with had settled";
    case "key.created":
      return `API key ${payload.key_id} created`;
    case "key.rotated":
      return `API key ${payload.key_id} given a new secret`;
    case "key.revoked":
      return `API key ${payload.key_id} revoked`;
    case "security.signed_in":
      return `Signed in at another browser: ${payload.browser}, ${payload.place}`;
    default:
      return plain(kind);
  }
}

const FUNDED = {
  deposited: "deposited",
  deposit_pending: "on its way here",
  deposit_failed: "did not arrive: its deposit failed",
  deposit_returned: "taken back by the bank: the deposit was returned",
  withdrawal_requested: "asked to be paid out; it is set aside",
  withdrawal_approved: "approved to be paid out",
  withdrawal_sent: "sent to the bank",
  withdrawal_settled: "has arrived at the bank",
  withdrawal_cancelled: "not paid out: the withdrawal was cancelled, the money is back",
  withdrawal_returned: "came back from the bank",
  interest_charged: "of interest charged",
  reversed: "reversed: a mistake was corrected",
};

const COINS_SENT = {
  withdrawal_sent: "sent out on its network",
  withdrawal_settled: "has arrived",
  withdrawal_cancelled: "not sent: the withdrawal was cancelled, the coins are back",
  withdrawal_returned: "came back: it did not arrive",
};

/** What became of a withdrawal of coins; null for what else happens to a holding. */
function coinsEvent(happened, { coin, sent, fee }) {
  const what = COINS_SENT[happened] ?? (happened.startsWith("withdrawal_") ? FUNDED[happened] : null);
  if (!what || !coin) return null;
  const beside = happened === "withdrawal_requested" ? ` with a network fee of ${money.quantity(fee)} ${coin}` : "";
  return `${money.quantity(sent)} ${coin} ${what}${beside}`;
}

function moneyEvent(kind, payload) {
  const [area, happened] = kind.split(".");
  const amount = `${money.money(payload.amount)} USD`;
  if (area === "margin") return marginEvent(happened, amount, payload);
  if (happened === "dividend") {
    const isPaid = money.parse(payload.amount) < 0n;
    const what = `Dividend of ${payload.per_share} USD a share on ${unsigned(money.quantity(payload.quantity))} ${payload.symbol}`;
    return isPaid ? `${what} sold short: ${unsigned(amount)} paid` : `${what}: ${amount}`;
  }
  if (happened === "cash_in_lieu") {
    const isPaid = money.parse(payload.amount) < 0n;
    const what = `Cash in lieu of ${unsigned(money.quantity(payload.quantity))} ${payload.symbol}, too little to`;
    return isPaid ? `${what} owe: ${unsigned(amount)} paid` : `${what} hold: ${amount}`;
  }
  if (happened === "interest_charged") return `${amount} of interest charged for ${payload.month}`;
  return FUNDED[happened] ? `${amount} ${FUNDED[happened]}` : null;
}

const CALLS = { reg_t: "Regulation T call", day_trade: "Day-trading call" };
const MET_BY = {
  deposit: "by a deposit",
  price: "by the market",
  sale: "by a sale",
  liquidation: "by closing positions",
  time: "by 90 days on cash alone",
};

function marginEvent(happened, amount, payload) {
  const call = `${CALLS[payload.kind] ?? "Margin call"} of ${amount}`;
  return {
    called: `${call}, due ${new Date(payload.due_at).toLocaleString()}`,
    call_due_at_once: `${call} is due at once`,
    liquidating: `Positions are being closed: ${call}`,
    call_met: `${call} is met${payload.met_by ? `, ${MET_BY[payload.met_by] ?? payload.met_by}` : ""}`,
  }[happened];
}

/** What a corporate action made of a holding; of a short one, what is owed. */
function holdingEvent(happened, { symbol, quantity, position, amount, into, into_quantity: got }) {
  const after = money.parse(position);
  const before = after - money.parse(quantity);
  const isShort = before < 0n;
  const count = (value) => `${unsigned(money.quantity(money.text(value)))}${isShort ? " short" : ""}`;
  const others = money.parse(got ?? "0") === 0n ? [] : [`${count(money.parse(got))} ${into}`];
  const cash = money.parse(amount) === 0n ? [] : [`${unsigned(money.money(amount))} USD${isShort ? " to pay" : ""}`];
  switch (happened) {
    case "split":
      return `${symbol} split: ${count(before)} became ${[count(after), ...cash].join(" and ")}`;
    case "merger":
      return `${symbol} merged: ${count(before)} became ${[...others, ...cash].join(" and ")}`;
    case "spin_off":
      return `${symbol} spun off ${into}: ${[...others, ...cash].join(" and ") || "nothing"} on top of ${count(after)} ${symbol}`;
    default:
      return `${plain(happened)} of ${symbol}`;
  }
}

const plain = (kind) => kind.replaceAll(/[._]/g, " ");
const unsigned = (shown) => shown.replace(money.MINUS, "");

function orderEvent(happened, payload, digits) {
  const { symbol } = payload;
  const places = () => digits ?? Math.max(2, money.places(payload.price));
  const fill = () =>
    `${money.quantity(payload.fill_quantity)} ${symbol} ` +
    `${payload.side === "buy" ? "bought" : "sold"} at ${money.price(payload.price, places())}`;
  if (happened === "filled") return `${fill()}; the order is filled`;
  if (happened === "partially_filled") {
    const of = `${money.quantity(payload.filled_quantity)} of ${money.quantity(payload.quantity)}`;
    return `${fill()}; ${of} are filled`;
  }
  if (happened === "busted") return `${fill()}: the exchange has taken this fill back`;
  const words = HAPPENED[happened];
  if (!words) return null;
  const what = `${side(payload.side)} ${money.quantity(payload.quantity)} ${symbol}`;
  const why = payload.reason ? `: ${payload.reason}` : "";
  return `${what}${words.startsWith(":") ? "" : " "}${words}${why}`;
}
