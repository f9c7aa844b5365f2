// The order ticket: what is typed, what it would cost, and what speaks against it.

import { $, $$, eachFrame, put } from "../dom.js";
import * as money from "../money.js";
import { on, store } from "../store.js";
import * as rules from "./rules.js";

const form = $("#ticket-form");
const fields = form.elements;
const places = {
  quantity: $("#quantity-error"),
  limit: $("#limit-error"),
  order: $("#ticket-error"),
};
const inputs = { quantity: fields.quantity, limit: fields.limit_price };
const cell = (name) => $(`[data-ticket="${name}"]`);

let buffer = 0n;
let wasSent = false; // mistakes are shown once somebody wanted to go on, not while typing
let isCostly = false;

/** `review(draft, totals)` is called with a draft that nothing speaks against. */
export function begin({ marketBuffer, review }) {
  buffer = money.parse(marketBuffer);
  const show = eachFrame(showSums);
  on("quotes", (quotes) => quotes.some(({ symbol }) => symbol === store.symbol) && show());
  on("account", show);
  on("positions", show);
  on("symbol", () => {
    fields.quantity.value = "";
    fields.limit_price.value = "";
    forgive();
    showSums();
  });
  form.addEventListener("input", (event) => {
    if (event.target.name === "type") typeChosen();
    if (event.target.name === "side" || event.target.name === "type") forgive();
    showSums();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wasSent = true;
    const found = showSums();
    if (!Object.keys(found).length) {
      review(draft(), totals());
      return;
    }
    (found.quantity ? inputs.quantity : found.limit ? inputs.limit : $("#review")).focus();
  });
  for (const button of $$("[data-step]", form)) {
    const [name, way] = button.dataset.step.split(":");
    button.addEventListener("click", () => step(fields[name], BigInt(way)));
  }
  for (const input of Object.values(inputs)) {
    input.addEventListener("keydown", (event) => {
      const way = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
      if (!way) return;
      event.preventDefault();
      step(input, event.shiftKey ? way * 10n : way);
    });
  }
  showSums();
}

/** Put the ticket on a side and the cursor into the quantity. */
export function take(side) {
  $(`[name=side][value=${side}]`, form).checked = true;
  forgive();
  showSums();
  fields.quantity.focus();
  fields.quantity.select();
}

export function takeLimit(price) {
  $("[name=type][value=limit]", form).checked = true;
  fields.limit_price.value = price;
  typeChosen();
  showSums();
  fields.limit_price.focus();
}

/** Fill the ticket in: closing a position begins like this. */
export function fill({ side, quantity }) {
  take(side);
  fields.quantity.value = quantity;
  showSums();
}

export function empty() {
  fields.quantity.value = "";
  forgive();
  showSums();
  fields.quantity.focus();
}

export function draft() {
  const type = fields.type.value;
  return {
    symbol: store.symbol,
    side: fields.side.value,
    type,
    quantity: money.parseTyped(fields.quantity.value),
    limitPrice: type === "limit" ? money.parseTyped(fields.limit_price.value) : null,
    timeInForce: fields.time_in_force.value,
  };
}

const buyingPower = () => money.parse(store.account?.buying_power);

/** Return what of the symbol can be sold, null while that is not known. */
function available() {
  if (!store.positions) return null;
  const position = store.positions.find(({ symbol }) => symbol === store.symbol);
  return position ? money.parse(position.qty_available) : 0n;
}

function totals() {
  return rules.sums({
    draft: draft(),
    quote: store.quotes.get(store.symbol),
    instrument: store.instruments.get(store.symbol),
    buffer,
    buyingPower: buyingPower(),
  });
}

function showSums() {
  const now = draft();
  const instrument = store.instruments.get(store.symbol);
  const sums = totals();
  const digits = money.places(instrument.price_increment);
  const verb = now.side === "buy" ? "buy" : "sell";
  const amount = (value) => (value === null ? money.NONE : money.money(money.text(value)));

  put(cell("symbol"), `${instrument.symbol}, in USD`);
  cell("limit").hidden = now.type !== "limit";
  inputs.limit.placeholder = money.price(store.quotes.get(store.symbol)?.[now.side === "buy" ? "ask" : "bid"], digits);
  put(cell("cost-word"), now.side === "buy" ? "Estimated cost" : "Estimated proceeds");
  put(cell("cost"), amount(sums.cost));
  put(cell("power-now"), amount(buyingPower()));
  put(cell("power-after"), amount(sums.after));
  isCostly = sums.after !== null && sums.after < 0n;
  cell("power-after").classList.toggle("down", isCostly);

  const review = $("#review");
  put(review, `Review ${verb} order`);
  review.classList.toggle("button--buy", now.side === "buy");
  review.classList.toggle("button--sell", now.side === "sell");
  showNote(now, instrument);

  const found = rules.flaws({
    draft: now,
    instrument,
    totals: sums,
    buyingPower: buyingPower(),
    available: available(),
  });
  showFlaws(wasSent ? found : onlyMoney(found, now));
  return found;
}

/** Too much for the account is worth saying while one types; an empty field is not. */
const onlyMoney = (found, now) =>
  now.quantity !== null && (found.lower !== undefined || isCostly) ? { quantity: found.quantity } : {};

function showFlaws(found) {
  put(places.quantity, found.quantity ?? "");
  put(places.limit, found.limit ?? "");
  put(places.order, found.order ?? "");
  places.order.hidden = !found.order;
  inputs.quantity.setAttribute("aria-invalid", String(Boolean(found.quantity)));
  inputs.limit.setAttribute("aria-invalid", String(Boolean(found.limit)));
}

function showNote(now, instrument) {
  const held = available();
  const unit = instrument.asset_class === "crypto" ? instrument.symbol.split("/")[0] : "shares";
  if (now.side === "sell") {
    put($("#quantity-note"), held === null ? "" : `You can sell ${money.quantity(money.text(held))} ${unit}`);
  } else {
    const steps = `In steps of ${money.quantity(instrument.quantity_increment)} ${unit}`;
    put($("#quantity-note"), instrument.quantity_increment === "1" ? `Whole ${unit}` : steps);
  }
}

function typeChosen() {
  const isLimit = fields.type.value === "limit";
  cell("limit").hidden = !isLimit;
  if (isLimit && !fields.limit_price.value) {
    const quote = store.quotes.get(store.symbol);
    fields.limit_price.value = (fields.side.value === "buy" ? quote?.ask : quote?.bid) ?? "";
  }
}

function step(input, way) {
  const instrument = store.instruments.get(store.symbol);
  const isPrice = input === inputs.limit;
  const increment = money.parse(isPrice ? instrument.price_increment : instrument.quantity_increment);
  // Crypto trades in tiny steps; a press should still move something that one can see.
  const stride = isPrice || increment === money.parse("1") ? increment : money.parse("0.01");
  const now = money.parseTyped(input.value) ?? 0n;
  const next = now + way * stride;
  if (next <= 0n) return;
  input.value = isPrice
    ? fixed(money.text(next), money.places(instrument.price_increment))
    : money.text(next);
  showSums();
}

function fixed(text, digits) {
  const [whole, fraction = ""] = text.split(".");
  return digits ? `${whole}.${fraction.padEnd(digits, "0")}` : whole;
}

function forgive() {
  wasSent = false;
  showFlaws({});
}
