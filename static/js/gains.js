// A gain in money and in percent, in a table's cell.

import { cell, make, put, setDirection } from "./dom.js";
import * as money from "./money.js";

/** Make the cell; its percent (`part`) gives way where there is little room. */
export const build = (name) => cell(name, { class: "number live" }, make("span"), " ", make("span", { class: "part" }));

export function show(place, amount, ratio) {
  const [inMoney, inPercent] = place.children;
  const percent = money.ratio(ratio);
  put(inMoney, money.signedMoney(amount));
  put(inPercent, `(${percent})`);
  if (place.title !== percent) place.title = percent;
  setDirection(place, money.direction(amount));
}
