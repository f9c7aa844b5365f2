// The ticket's form as a draft of an order, and as the JSON that the API takes.

import * as money from "../money.js";
import { store } from "../store.js";
import * as terms from "./terms.js";

/** Return what there is of the symbol: "long", "short" or "", which is also what is not known yet. */
export function holding(symbol) {
  const quantity = money.parse(store.positions?.find((each) => each.symbol === symbol)?.qty) ?? 0n;
  if (quantity === 0n) return "";
  return quantity > 0n ? "long" : "short";
}

const choice = (fields) => ({
  kind: fields.kind.value,
  side: fields.side.value,
  timeInForce: fields.time_in_force.value || "day",
  isByValue: fields.by.value === "value",
  hasExits: fields.has_profit.checked || fields.has_loss.checked,
  hasLoss: fields.has_loss.checked,
  isExtended: fields.extended_hours.checked,
  holding: holding(store.symbol),
  canShort: Boolean(store.account?.shorting_enabled),
  instrument: store.instruments.get(store.symbol),
});

/** Return what fits what is chosen in the form: see terms.js. */
export const fitting = (fields) => terms.fitting(choice(fields));

/** Return the draft; what does not fit the kind is as if it were not there. */
export function read(fields) {
  const { kind, side, timeInForce } = choice(fields);
  const fits = fitting(fields);
  const number = (name, isThere) => (isThere ? money.parseTyped(fields[name].value) : null);
  const isByValue = fits.by && fields.by.value === "value";
  const hasProfit = kind === "oco" || (fits.exits && fields.has_profit.checked);
  const hasLoss = kind === "oco" || (fits.exits && fields.has_loss.checked);
  const isPercent = fields.trail_by.value === "percent";
  const draft = {
    symbol: store.symbol,
    side,
    kind,
    timeInForce,
    isByValue,
    quantity: number("quantity", !isByValue),
    notional: number("quantity", isByValue),
    limitPrice: number("limit_price", fits.limit_price),
    stopPrice: number("stop_price", fits.stop_price),
    trailAmount: number("trail", fits.trail && !isPercent),
    trailPercent: number("trail", fits.trail && isPercent),
    hasProfit,
    hasLoss,
    takeProfit: number("take_profit", hasProfit),
    stopLoss: number("stop_loss", hasLoss),
    stopLossLimit: number("stop_loss_limit", hasLoss && fits.stop_loss_limit),
    extendedHours: fits.extended_hours && fields.extended_hours.checked,
    isPostOnly: fits.post_only && fields.post_only.checked,
    shown: number("shown", fits.advanced && !isByValue),
  };
  return { ...draft, orderClass: terms.classOf(draft) };
}

/** Return the draft as the body of POST /api/v1/orders. */
export function body(draft, clientOrderId) {
  const isOco = draft.kind === "oco";
  const text = (value) => (value === null ? undefined : money.text(value));
  return {
    symbol: draft.symbol,
    qty: text(draft.quantity),
    notional: text(draft.notional),
    side: draft.side,
    type: isOco ? "limit" : draft.kind,
    time_in_force: draft.timeInForce,
    limit_price: text(draft.limitPrice),
    stop_price: text(draft.stopPrice),
    trail_price: text(draft.trailAmount),
    trail_percent: text(draft.trailPercent),
    extended_hours: draft.extendedHours || undefined,
    post_only: draft.isPostOnly || undefined,
    display_qty: text(draft.shown),
    order_class: draft.orderClass === "simple" ? undefined : draft.orderClass,
    take_profit: draft.takeProfit === null ? undefined : { limit_price: text(draft.takeProfit) },
    stop_loss:
      draft.stopLoss === null
        ? undefined
        : { stop_price: text(draft.stopLoss), limit_price: text(draft.stopLossLimit) },
    client_order_id: clientOrderId,
  };
}

// The API's names of fields, and the reasons of a denial, as the ticket's own fields.
const FIELDS = {
  qty: "quantity",
  notional: "quantity",
  trail_price: "trail",
  trail_percent: "trail",
  display_qty: "shown",
  "take_profit.limit_price": "take_profit",
  "stop_loss.stop_price": "stop_loss",
  "stop_loss.limit_price": "stop_loss_limit",
};
const REASONS = {
  insufficient_buying_power: "quantity",
  insufficient_position: "quantity",
  quantity_too_small: "quantity",
  quantity_increment: "quantity",
  order_quantity_limit: "quantity",
  order_value_limit: "quantity",
  order_volume_limit: "quantity",
  position_limit: "quantity",
  position_quantity_limit: "quantity",
  gross_exposure_limit: "quantity",
  firm_buying_power: "quantity",
  not_fractionable: "quantity",
  short_fractional: "quantity",
  cover_too_large: "quantity",
  no_locate: "quantity",
  price_increment: "limit_price",
  price_collar: "limit_price",
  price_too_far: "limit_price",
  self_trade: "limit_price",
  stop_price_passed: "stop_price",
  session_closed: "time_in_force",
};

/** Return what the server says against the order by the ticket's fields; empty: no field's fault. */
export function faults(answer, isField) {
  const found = {};
  for (const { field, message } of answer.errors ?? []) {
    const name = FIELDS[field] ?? field;
    if (isField(name)) found[name] = [found[name], message].filter(Boolean).join(" ");
  }
  const name = REASONS[answer.reason];
  if (!Object.keys(found).length && name) found[name] = answer.message;
  return found;
}
