// The words of orders and events, once, for every page.

import * as money from "./money.js";

const STATES = {
  pending_new: ["Received", "We have it; it has not left yet."],
  accepted: ["Sent", "On its way to the market."],
  new: ["Working", "In the market, waiting for its price."],
  partially_filled: ["Partly filled", "A part is done; the rest is in the market."],
  pending_cancel: ["Cancelling", "The market was asked to cancel it. It may still fill until then."],
  filled: ["Filled", "All of it is done."],
  canceled: ["Cancelled", "Ended before all of it was filled."],
  rejected: ["Rejected", "It did not go through. No money moved."],
  expired: ["Expired", "Its time ran out before all of it was filled."],
};
const OURS = { pending: "pending_new", submitted: "new", cancelled: "canceled" };
const FINAL = new Set(["filled", "canceled", "rejected", "expired"]);
const TIMES_IN_FORCE = { day: "Day", gtc: "GTC", ioc: "IOC", fok: "FOK" };
const TIMES_IN_FORCE_WHY = {
  day: "until the session ends",
  gtc: "until it is filled or you cancel it",
  ioc: "fill now what can be, cancel the rest",
  fok: "all of it now, or nothing",
};

export const stateWord = (status) => (STATES[OURS[status] ?? status] ?? [status])[0];
export const stateWhy = (status) => (STATES[OURS[status] ?? status] ?? ["", ""])[1];
export const isFinal = (status) => FINAL.has(OURS[status] ?? status);
export const timeInForce = (word) => TIMES_IN_FORCE[word] ?? word;
export const timeInForceWhy = (word) => TIMES_IN_FORCE_WHY[word] ?? "";
export const side = (word) => (word === "buy" ? "Buy" : "Sell");
export const type = (word) => (word === "limit" ? "Limit" : "Market");

/** Return who did something: "user:ID" is the customer, who reads this. */
export function actor(name) {
  const [kind, id = ""] = name.split(/:(.*)/s);
  const words = { user: "You", venue: "Exchange", rule: "Our checks", operator: "Operations" };
  if (kind === "api_key") return `API key ${id}`;
  return words[kind] ?? name;
}

/** Return what an event of the account's log says, as one sentence. */
export function event({ kind, payload }, digits = 2) {
  const what = () =>
    `${side(payload.side)} ${money.quantity(payload.quantity)} ${payload.symbol}`;
  const why = payload.reason ? `: ${payload.reason}` : "";
  const fill = () =>
    `${money.quantity(payload.fill_quantity)} ${payload.symbol} ` +
    `${payload.side === "buy" ? "bought" : "sold"} at ${money.price(payload.price, digits)}`;
  switch (kind) {
    case "order.submitted":
      return `${what()} sent`;
    case "order.accepted":
      return `${what()} accepted by the exchange`;
    case "order.filled":
      return `${fill()}; the order is filled`;
    case "order.partially_filled":
      return `${fill()}; ${money.quantity(payload.filled_quantity)} of ` +
        `${money.quantity(payload.quantity)} are filled`;
    case "order.cancel_requested":
      return `${what()}: cancel requested`;
    case "order.cancelled":
      return `${what()} cancelled${why}`;
    case "order.expired":
      return `${what()} expired${why}`;
    case "order.rejected":
      return `${what()} rejected by the exchange${why}`;
    case "order.denied":
      return `${what()} refused${why}`;
    case "order.cancel_rejected":
      return `${what()}: the cancel was rejected${why}`;
    case "money.deposited":
      return `${money.money(payload.amount)} USD deposited`;
    case "key.created":
      return `API key ${payload.key_id} created`;
    case "key.revoked":
      return `API key ${payload.key_id} revoked`;
    default:
      return kind.replaceAll(/[._]/g, " ");
  }
}
