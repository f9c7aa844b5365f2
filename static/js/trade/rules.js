// What speaks against an order before it leaves. Pure.
// The server decides; these rules only say the same thing earlier, beside the field.

import * as money from "../money.js";
import * as steps from "../price-steps.js";
import * as estimate from "./estimate.js";
import { exitSide } from "./terms.js";

const PERCENT_MAX = money.parse("100");
const CENT = money.parse("0.01");
const TWIN_MS = 30_000;

/**
 * Return what speaks against the draft, a sentence for each field by its name (`order`: the whole
 * of it). Empty when nothing does: then the server is asked.
 */
export function flaws({ draft, quote, instrument }) {
  const found = { ...sizeFlaws(draft, instrument), ...priceFlaws(draft, instrument) };
  if (!Object.keys(found).length) Object.assign(found, exitFlaws(draft, quote, instrument));
  if (Object.keys(found).length) return found;

  if (!instrument.tradable || instrument.halted) {
    return { order: `Trading in ${instrument.symbol} is halted. Try again later.` };
  }
  return passedStop(draft, quote, instrument) ?? {};
}

function sizeFlaws({ isByValue, quantity, notional, shown }, instrument) {
  const found = {};
  const increment = money.parse(instrument.quantity_increment);
  const steps = `${instrument.symbol} trades in steps of ${money.quantity(instrument.quantity_increment)}.`;
  if (isByValue) {
    if (notional === null || notional <= 0n) found.quantity = "Say for how much, in USD.";
    else if (!money.isWhole(notional, CENT)) found.quantity = "Dollars and whole cents, please.";
    return found;
  }
  if (quantity === null) found.quantity = "Say how many, as a number.";
  else if (quantity < money.parse(instrument.quantity_min)) {
    found.quantity = `The least is ${money.quantity(instrument.quantity_min)}.`;
  } else if (!money.isWhole(quantity, increment)) found.quantity = steps;
  else if (shown !== null && (shown < 0n || shown > quantity)) {
    found.shown = "From 0 to the whole quantity.";
  } else if (shown !== null && !money.isWhole(shown, increment)) found.shown = steps;
  return found;
}

/** The prices that the kind needs, and none between two steps. */
function priceFlaws(draft, instrument) {
  const found = {};
  const check = (name, price, missing) => {
    if (price === null || price <= 0n) found[name] = missing;
    else if (!steps.fits(instrument, price)) found[name] = `Prices go in steps of ${steps.words(instrument)}.`;
  };
  const { kind } = draft;
  if (kind === "limit" || kind === "stop_limit") {
    check("limit_price", draft.limitPrice, "Say the worst price that you accept.");
  }
  if (kind === "stop" || kind === "stop_limit") {
    check("stop_price", draft.stopPrice, "Say at which price it shall go.");
  }
  if (kind === "trailing_stop") {
    const trail = draft.trailAmount ?? draft.trailPercent;
    if (trail === null || trail <= 0n) found.trail = "Say how far behind the price.";
    else if (draft.trailPercent !== null && trail >= PERCENT_MAX) found.trail = "Less than 100 percent.";
  }
  if (draft.hasProfit) check("take_profit", draft.takeProfit, "Say at which price to take the profit.");
  if (draft.hasLoss) check("stop_loss", draft.stopLoss, "Say at which price to stop the loss.");
  if (draft.stopLossLimit !== null) check("stop_loss_limit", draft.stopLossLimit, "");
  return found;
}

/** Exits of something bought: the profit above what is paid, the stop below it. Of a short: turned round. */
function exitFlaws(draft, quote, instrument) {
  const found = {};
  const isOco = draft.kind === "oco";
  const entry = isOco ? estimate.farPrice(draft, quote) : estimate.expectedPrice(draft, quote);
  if (entry === null) return found;
  const isSale = exitSide(draft) === "sell";
  const [gains, loses] = isSale ? ["above", "below"] : ["below", "above"];
  const isBetter = (price, than) => (isSale ? price > than : price < than);
  const at = money.price(money.text(entry), steps.places(instrument, money.text(entry)));
  const what = isOco ? `the price now, ${at}` : `what you would ${isSale ? "pay" : "get"}, ${at}`;
  if (draft.takeProfit !== null && !isBetter(draft.takeProfit, entry)) {
    found.take_profit = `This must lie ${gains} ${what}.`;
  }
  if (draft.stopLoss !== null && !isBetter(entry, draft.stopLoss)) {
    found.stop_loss = `This must lie ${loses} ${what}.`;
  }
  if (draft.stopLossLimit !== null && draft.stopLoss !== null && isBetter(draft.stopLossLimit, draft.stopLoss)) {
    found.stop_loss_limit = `This must lie at the stop or ${loses} it.`;
  }
  return found;
}

/** A stop that the market has passed already would go at once. */
function passedStop(draft, quote, instrument) {
  const far = estimate.farPrice(draft, quote);
  if (draft.stopPrice === null || far === null) return null;
  const isBuy = draft.side === "buy";
  if (isBuy ? draft.stopPrice > far : draft.stopPrice < far) return null;
  const at = money.price(money.text(far), steps.places(instrument, money.text(far)));
  return { stop_price: `A stop to ${draft.side} must lie ${isBuy ? "above" : "below"} the price now, ${at}.` };
}

/** Return the order that asked for the same as the draft some seconds before `now`, or null. */
export function twin(draft, orders, now) {
  return (
    orders.find(
      (order) =>
        order.symbol === draft.symbol &&
        order.side === draft.side &&
        order.type === (draft.kind === "oco" ? "limit" : draft.kind) &&
        !order.replaces &&
        (draft.isByValue
          ? money.parse(order.notional) === draft.notional
          : money.parse(order.qty) === draft.quantity) &&
        (draft.kind === "oco" || money.parse(order.limit_price) === draft.limitPrice) &&
        now - Date.parse(order.created_at) < TWIN_MS,
    ) ?? null
  );
}
