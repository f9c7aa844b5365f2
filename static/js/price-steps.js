// Between which prices of an instrument there is none: shares go in finer steps below a dollar.
// `instrument` has price_increment, fine_increment and fine_below, as the API tells them. Pure.

import * as money from "./money.js";

const USUAL = { price_increment: "0.01" };

function incrementAt(instrument, price) {
  const { price_increment: usual, fine_increment: fine, fine_below: below } = instrument ?? USUAL;
  return fine && price !== null && price < money.parse(below) ? fine : usual;
}

/** Return the step of prices about `price`, a decimal; the usual one without a price. */
export const at = (instrument, price) => money.parse(incrementAt(instrument, price));

export const fits = (instrument, price) => money.isWhole(price, at(instrument, price));

/** Return the greatest price that is not above `price`, a decimal; `up` the least not below it. */
export const down = (instrument, price) => money.down(price, at(instrument, price));
export const up = (instrument, price) => money.up(price, at(instrument, price));

/** Return the decimal places of prices about `price`, a decimal text or nothing. */
export const places = (instrument, price = null) =>
  money.places(incrementAt(instrument, money.parse(price)));

/** Return the decimal places in which an order's prices are shown: its own decide. */
export const placesOf = (instrument, order) =>
  places(instrument, order.limit_price ?? order.stop_price ?? order.filled_avg_price ?? order.hwm);

/** Say the steps in words: "0.01", "0.01 from 1.00 on, 0.0001 below". */
export function words(instrument) {
  const { price_increment: usual, fine_increment: fine, fine_below: below } = instrument;
  const step = money.price(usual, money.places(usual));
  if (!fine) return step;
  return `${step} from ${money.price(below, money.places(usual))} on, ${money.price(fine, money.places(fine))} below`;
}
