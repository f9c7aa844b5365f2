// Dragging the line of an open order to another price. Where it is let go the order's own editor
// opens with that price: nothing leaves before it is sent there.

import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { store } from "../store.js";
import * as words from "../words.js";
import * as lines from "./lines.js";

const NEAR_PX = 5;

/**
 * Let the lines on `series` be dragged within `place`; `hold(isHeld)` keeps the chart from moving
 * meanwhile, and `propose(id, field, price)` is told where a line was let go.
 */
export function begin(place, series, { hold, propose }) {
  let dragged = null; // { order, field, line, from, price }

  const heightOf = (event) => event.clientY - place.getBoundingClientRect().top;

  function near(event) {
    const y = heightOf(event);
    return lines.movable().find(({ price }) => Math.abs(series.priceToCoordinate(price) - y) <= NEAR_PX);
  }

  /** Return the price at this height in whole increments, as a decimal text; null off the scale. */
  function priceAt(y) {
    const found = series.coordinateToPrice(y);
    const instrument = store.instruments.get(store.symbol);
    if (found === null || found <= 0) return null;
    const digits = steps.places(instrument, found.toFixed(9));
    const step = steps.at(instrument, money.parse(found.toFixed(9)));
    const rounded = ((money.parse(found.toFixed(digits)) + step / 2n) / step) * step;
    return rounded > 0n ? money.price(money.text(rounded), digits).replaceAll(",", "") : null;
  }

  function leave() {
    if (!dragged) return;
    lines.putBack(dragged.line);
    hold(false);
    dragged = null;
  }

  place.addEventListener("pointermove", (event) => {
    if (!dragged) {
      place.classList.toggle("is-over-line", event.pointerType !== "touch" && Boolean(near(event)));
      return;
    }
    const price = priceAt(heightOf(event));
    if (!price) return;
    dragged.price = price;
    dragged.line.applyOptions({ price: Number(price), title: `${words.side(dragged.order.side)} at` });
  });
  // Before the chart hears of it, which would scroll.
  place.addEventListener(
    "pointerdown",
    (event) => {
      const found = event.button === 0 && event.pointerType !== "touch" ? near(event) : null;
      if (!found) return;
      event.preventDefault();
      dragged = { ...found, price: null };
      hold(true);
      place.setPointerCapture(event.pointerId);
    },
    { capture: true },
  );
  place.addEventListener("pointerup", () => {
    const { order, field, price } = dragged ?? {};
    leave();
    if (price && money.parse(price) !== money.parse(order[field])) propose(order.id, field, price);
  });
  place.addEventListener("pointercancel", leave);
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !dragged) return;
      event.preventDefault();
      leave();
    },
    { capture: true },
  );
}
