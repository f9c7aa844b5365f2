// The order ticket: what is typed, what it would cost, and what speaks against it.

import { $, $$, eachFrame, make, put } from "../dom.js";
import * as money from "../money.js";
import { on, store } from "../store.js";
import * as words from "../words.js";
import * as drafts from "./draft.js";
import * as estimate from "./estimate.js";
import * as rules from "./rules.js";

const form = $("#ticket-form");
const fields = form.elements;
const NUMBERS = [
  "quantity", "stop_price", "trail", "limit_price", "take_profit", "stop_loss", "stop_loss_limit", "shown",
];
const MARKED = [...NUMBERS, "time_in_force"]; // what has a place for an error beside it
const STEPS = { quantity: "quantity_increment", shown: "quantity_increment" }; // others: prices
const cell = (name) => $(`[data-ticket="${name}"]`);
const parts = Object.fromEntries($$("[data-part]", form).map((part) => [part.dataset.part, part]));

let buffer = 0n;
let wasSent = false; // mistakes are shown once somebody wanted to go on, not while typing
let told = {}; // what the server said against the last try, until something is changed

/** `review(draft, totals)` is called with a draft that nothing speaks against. */
export function begin({ marketBuffer, review }) {
  buffer = money.parse(marketBuffer);
  const show = eachFrame(showAll);
  on("quotes", (quotes) => quotes.some(({ symbol }) => symbol === store.symbol) && show());
  on("account", show);
  on("positions", show);
  on("symbol", clear);
  form.addEventListener("input", onInput);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wasSent = true;
    told = {};
    const found = showAll();
    if (Object.keys(found).length) focusFirst(found);
    else review(drafts.read(fields), totals());
  });
  for (const button of $$("[data-step]", form)) {
    const [name, way] = button.dataset.step.split(":");
    button.addEventListener("click", () => step(name, BigInt(way)));
  }
  for (const name of NUMBERS) {
    fields[name].addEventListener("keydown", (event) => {
      const way = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
      if (!way) return;
      event.preventDefault();
      step(name, event.shiftKey ? way * 10n : way);
    });
  }
  clear();
}

function onInput({ target }) {
  if (["side", "kind", "by", "trail_by"].includes(target.name)) forgive();
  if (target.name === "by") fields.quantity.value = "";
  if (target.name === "side" && target.value === "buy" && fields.kind.value === "oco") choose("kind", "market");
  told = {};
  suggest();
  showAll();
}

// --- What others ask of the ticket -------------------------------------------------------------------

/** Put the ticket on a side and the cursor into the quantity. */
export function take(side) {
  choose("side", side);
  if (fields.kind.value === "oco") choose("kind", "market");
  forgive();
  showAll();
  fields.quantity.focus();
  fields.quantity.select();
}

export function takeLimit(price) {
  const name = fields.kind.value === "stop" ? "stop_price" : "limit_price";
  if (!["limit", "stop", "stop_limit"].includes(fields.kind.value)) choose("kind", "limit");
  fields[name].value = fixed(price, money.places(instrumentNow().price_increment));
  showAll();
  fields[name].focus();
}

/** Fill the ticket in to sell `quantity`, or buy it back: closing a position begins like this. */
export function close(side, quantity) {
  take(side);
  choose("by", "units");
  fields.quantity.value = quantity;
  showAll();
}

/** Fill the ticket in with a take-profit and a stop-loss for `quantity`, and ask for the prices. */
export function protect(quantity) {
  choose("side", "sell");
  choose("kind", "oco");
  forgive();
  fields.quantity.value = quantity;
  showAll();
  fields.time_in_force.value = "gtc"; // protection that ends tonight is none tomorrow
  fields.take_profit.focus();
}

export function empty() {
  clear();
  fields.quantity.focus();
}

/** Show what the server says against the draft beside its fields. */
export function blame(faults) {
  told = faults;
  showAll();
  focusFirst(faults);
}

export const isField = (name) => MARKED.includes(name);

function choose(name, value) {
  $(`[name=${name}][value=${value}]`, form).checked = true;
}

function clear() {
  for (const name of NUMBERS) fields[name].value = "";
  for (const name of ["has_profit", "has_loss", "extended_hours", "post_only"]) fields[name].checked = false;
  choose("by", "units");
  forgive();
  suggest();
  showAll();
}

// --- Showing -----------------------------------------------------------------------------------------

const buyingPower = () => money.parse(store.account?.buying_power);
const quoteNow = () => store.quotes.get(store.symbol);
const instrumentNow = () => store.instruments.get(store.symbol);

/** Return what of the symbol can be sold, null while that is not known. */
function available() {
  if (!store.positions) return null;
  const position = store.positions.find(({ symbol }) => symbol === store.symbol);
  return position ? money.parse(position.qty_available) : 0n;
}

function totals() {
  return estimate.sums({
    draft: drafts.read(fields),
    quote: quoteNow(),
    instrument: instrumentNow(),
    buffer,
    buyingPower: buyingPower(),
  });
}

/** Bring the whole form up to date; return what speaks against the draft. */
function showAll() {
  showParts();
  const draft = drafts.read(fields);
  const sums = totals();
  const instrument = instrumentNow();
  showSums(draft, sums, instrument);
  showNotes(draft, sums, instrument);
  const found = rules.flaws({
    draft,
    quote: quoteNow(),
    instrument,
    totals: sums,
    buyingPower: buyingPower(),
    available: available(),
  });
  showFlaws(wasSent ? { ...found, ...told } : { ...onlyMoney(found, sums), ...told });
  return found;
}

function showParts() {
  const { times, ...fits } = drafts.fitting(fields);
  for (const [name, fit] of Object.entries(fits)) parts[name].hidden = !fit;
  showTimes(times);
  const draft = drafts.read(fields);
  parts.take_profit.hidden = !draft.hasProfit;
  parts.stop_loss.hidden = !draft.hasLoss;
  parts.stop_loss_limit.hidden = !(draft.hasLoss && fits.stop_loss_limit);
  parts.advanced.open ||= draft.shown !== null || draft.isPostOnly || draft.extendedHours;
}

/** Offer the times in force that fit; the chosen one stays chosen while it does. */
function showTimes(times) {
  const select = fields.time_in_force;
  if (select.dataset.times === times.join()) return;
  const chosen = times.includes(select.value) ? select.value : times[0];
  select.dataset.times = times.join();
  select.replaceChildren(
    ...times.map((time) => make("option", { value: time, title: words.timeInForceWhy(time) }, words.timeInForceLong(time))),
  );
  select.value = chosen;
}

function showSums(draft, sums, instrument) {
  const digits = money.places(instrument.price_increment);
  const isBuy = draft.side === "buy";
  const amount = (value) => (value === null ? money.NONE : money.money(money.text(value)));
  put(cell("symbol"), `${instrument.symbol}, in USD`);
  put(cell("cost-word"), isBuy ? "Estimated cost" : "Estimated proceeds");
  put(cell("cost"), amount(sums.cost));
  put(cell("worst"), sums.worst === null ? money.NONE : money.price(money.text(sums.worst), digits));
  const units = sums.units === null ? money.NONE : `${money.quantity(money.text(sums.units))} ${words.unit(instrument)}`;
  put(cell("held"), isBuy ? amount(sums.held) : units);
  put(cell("power-now"), amount(buyingPower()));
  put(cell("power-after"), amount(sums.after));
  cell("power-after").classList.toggle("down", sums.after !== null && sums.after < 0n);
  const review = $("#review");
  put(review, draft.kind === "oco" ? "Review exits" : `Review ${draft.side} order`);
  review.classList.toggle("button--buy", isBuy);
  review.classList.toggle("button--sell", !isBuy);
}

function showNotes(draft, sums, instrument) {
  const digits = money.places(instrument.price_increment);
  put(cell("quantity-word"), draft.isByValue ? "Value" : "Quantity");
  put($("#quantity-note"), quantityNote(draft, sums, instrument));
  const far = quoteNow()?.[draft.side === "buy" ? "ask" : "bid"];
  fields.limit_price.placeholder = fields.stop_price.placeholder = money.price(far, digits);
  const stop = draft.kind === "trailing_stop" ? estimate.stopPrice(draft, quoteNow()) : null;
  put($("#trail-note"), stop === null ? "" : `Stop ${money.price(money.text(money.down(stop, money.parse(instrument.price_increment))), digits)} now`);
  put($("#shown-note"), shownNote(draft.shown));
  put(cell("advanced"), advancedNote(draft));
  const entry = entryPrice(draft);
  put($("#take_profit-note"), gainNote(draft.takeProfit, entry, sums.units));
  put($("#stop_loss-note"), gainNote(draft.stopLoss, entry, sums.units));
}

function quantityNote(draft, sums, instrument) {
  const unit = words.unit(instrument);
  if (draft.isByValue) {
    return sums.units === null ? "" : `About ${money.quantity(money.text(sums.units))} ${unit}`;
  }
  if (draft.side === "sell") {
    const held = available();
    return held === null ? "" : `You can sell ${money.quantity(money.text(held))}`;
  }
  const isWhole = instrument.quantity_increment === "1";
  return isWhole ? `Whole ${unit}` : `Steps of ${money.quantity(instrument.quantity_increment)}`;
}

function shownNote(shown) {
  if (shown === null) return "All of it";
  return shown === 0n ? "Hidden" : "Iceberg";
}

const advancedNote = ({ extendedHours, isPostOnly, shown }) =>
  [extendedHours && "extended hours", isPostOnly && "post-only", shown !== null && shownNote(shown).toLowerCase()]
    .filter(Boolean)
    .join(", ");

/** What was or would be paid for what the exits are to sell. */
function entryPrice(draft) {
  if (draft.kind !== "oco") return estimate.expectedPrice(draft, quoteNow());
  const position = store.positions?.find(({ symbol }) => symbol === draft.symbol);
  return money.parse(position?.avg_entry_price);
}

function gainNote(price, entry, units) {
  const gain = estimate.gain(price, entry, units);
  if (!gain) return "";
  const amount = gain.amount === null ? "" : `${money.signedMoney(money.text(gain.amount))} `;
  return `${amount}(${money.percent(money.text(gain.percent))})`;
}

/** Too much for the account is worth saying while one types; an empty field is not. */
const onlyMoney = (found, sums) =>
  sums.units !== null && found.lower !== undefined ? { quantity: found.quantity } : {};

function showFlaws(found) {
  for (const name of MARKED) {
    put($(`#${name}-error`), found[name] ?? "");
    fields[name].setAttribute("aria-invalid", String(Boolean(found[name])));
  }
  put($("#ticket-error"), found.order ?? "");
  $("#ticket-error").hidden = !found.order;
}

function focusFirst(found) {
  const name = MARKED.find((each) => found[each]);
  (name ? fields[name] : $("#review")).focus();
}

function forgive() {
  wasSent = false;
  told = {};
}

// --- Filling in --------------------------------------------------------------------------------------

/** Begin an empty limit at the price that there is now: nearly right is faster than empty. */
function suggest() {
  const quote = quoteNow();
  const near = fields.side.value === "buy" ? quote?.ask : quote?.bid;
  if (fields.kind.value !== "limit" || fields.limit_price.value || !near) return;
  fields.limit_price.value = fixed(near, money.places(instrumentNow().price_increment));
}

function step(name, way) {
  const instrument = instrumentNow();
  const isUnits = STEPS[name] && fields.by.value === "units";
  const isPercent = name === "trail" && fields.trail_by.value === "percent";
  const increment = isUnits ? money.parse(instrument.quantity_increment) : money.parse(instrument.price_increment);
  const stride = strideOf({ name, isUnits, isPercent, increment });
  const now = money.parseTyped(fields[name].value) ?? startOf(name);
  const next = now + way * stride;
  if (next < 0n || (next === 0n && name !== "shown")) return;
  const isPrice = !STEPS[name] && !isPercent;
  fields[name].value = isPrice
    ? fixed(money.text(next), money.places(instrument.price_increment))
    : money.text(next);
  told = {};
  showAll();
}

/** A press moves something that one can see: crypto trades in tiny steps, a value in cents. */
function strideOf({ name, isUnits, isPercent, increment }) {
  if (isPercent) return money.parse("0.1");
  if (STEPS[name] && !isUnits) return money.parse("10");
  const isFine = isUnits && increment !== money.parse("1");
  return isFine ? money.parse("0.01") : increment;
}

/** An empty price begins at the market's, everything else at nothing. */
function startOf(name) {
  if (STEPS[name] || name === "trail") return 0n;
  return estimate.farPrice(drafts.read(fields), quoteNow()) ?? 0n;
}

function fixed(text, digits) {
  const [whole, fraction = ""] = text.split(".");
  return digits ? `${whole}.${fraction.padEnd(digits, "0")}` : whole;
}
