// The order ticket: what is typed, what it would cost, and what speaks against it.

import { $, $$, eachFrame, make, put } from "../dom.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { on, store } from "../store.js";
import * as words from "../words.js";
import * as drafts from "./draft.js";
import * as estimate from "./estimate.js";
import * as forecast from "./forecast.js";
import * as rules from "./rules.js";
import * as terms from "./terms.js";

const form = $("#ticket-form");
const fields = form.elements;
const NUMBERS = [
  "quantity", "stop_price", "trail", "limit_price", "take_profit", "stop_loss", "stop_loss_limit", "shown",
];
const MARKED = [...NUMBERS, "time_in_force"]; // what has a place for an error beside it
const STEPS = { quantity: "quantity_increment", shown: "quantity_increment" }; // others: prices
const cell = (name) => $(`[data-ticket="${name}"]`);
const parts = Object.fromEntries($$("[data-part]", form).map((part) => [part.dataset.part, part]));

let wasSent = false; // mistakes are shown once somebody wanted to go on, not while typing
let told = {}; // what the server said against the last try, until something is changed

/** `review(draft, told)` is called with a draft that nothing speaks against, and its estimate. */
export function begin({ review }) {
  const show = eachFrame(showAll);
  const renew = () => {
    show();
    if (!form.hidden) forecast.renew();
  };
  forecast.begin(show);
  on("quotes", (quotes) => quotes.some(({ symbol }) => symbol === store.symbol) && renew());
  on("account", renew);
  on("positions", renew);
  on("symbol", clear);
  form.addEventListener("input", onInput);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wasSent = true;
    told = {};
    goOn(review);
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

let isChecking = false;

/** Go on to the review, once the server has said what the order would do. */
async function goOn(review) {
  if (isChecking) return;
  const flaws = showAll();
  if (Object.keys(flaws).length) {
    focusFirst(flaws);
    return;
  }
  const draft = drafts.read(fields);
  isChecking = true;
  $("#review").setAttribute("aria-busy", "true");
  const found = await forecast.settled();
  isChecking = false;
  $("#review").removeAttribute("aria-busy");
  const denied = showAll();
  if (Object.keys(denied).length) focusFirst(denied);
  else if (found?.answer) review(draft, found.answer);
}

function onInput({ target }) {
  if (["side", "kind", "by", "trail_by"].includes(target.name)) forgive();
  if (target.name === "by") fields.quantity.value = "";
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
  fields[name].value = fixed(price, steps.places(instrumentNow(), price));
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
export function protect(side, quantity) {
  choose("side", side);
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

const quoteNow = () => store.quotes.get(store.symbol);
const instrumentNow = () => store.instruments.get(store.symbol);

/** Return what of the symbol can be sold, null while that is not known. */
function available() {
  if (!store.positions) return null;
  const position = store.positions.find(({ symbol }) => symbol === store.symbol);
  return position ? money.parse(position.qty_available) : 0n;
}

/** Bring the whole form up to date; return what speaks against the draft. */
function showAll() {
  showParts();
  const draft = drafts.read(fields);
  const instrument = instrumentNow();
  const flaws = rules.flaws({ draft, quote: quoteNow(), instrument });
  const isSound = Object.keys(flaws).length === 0;
  const found = forecast.of(isSound ? drafts.body(draft) : null);
  const answer = found?.answer ?? null;
  showSums(draft, answer ?? (isSound && !found ? forecast.latest() : null), instrument);
  $("#ticket-sums").classList.toggle("is-old", isSound && !found);
  showWarnings(answer?.warnings ?? []);
  showNotes(draft, answer, instrument);
  const against = { ...flaws, ...(found ? objections(found) : {}) };
  const typing = wasSent ? flaws : {};
  showFlaws({ ...typing, ...(found ? objections(found) : {}), ...told });
  return against;
}

/** Return what the server says against the order, by the ticket's fields. */
function objections({ answer, error }) {
  if (error) {
    const faults = drafts.faults(error.body, isField);
    return Object.keys(faults).length ? faults : { order: `The order could not be checked. ${error.message}` };
  }
  if (!answer.denial) return {};
  const { code, message } = answer.denial;
  const most = answer.qty_max;
  const isSaid = most === null || message.includes(` ${most} `);
  const sentence = isSaid ? message : `${message} ${money.quantity(most)} would do.`;
  const faults = drafts.faults({ reason: code, message: sentence }, isField);
  const isShown = Object.keys(faults).every((name) => !fields[name].closest("[hidden]"));
  return isShown && Object.keys(faults).length ? faults : { order: sentence };
}

function showWarnings(warnings) {
  put($("#ticket-warning"), warnings.map(({ message }) => message).join(" "));
  $("#ticket-warning").hidden = warnings.length === 0;
}

function showParts() {
  if (fields.kind.value === "oco" && !drafts.fitting(fields).oco) choose("kind", "market");
  const { times, ...fits } = drafts.fitting(fields);
  for (const [name, fit] of Object.entries(fits)) parts[name].hidden = !fit;
  showTimes(times);
  const draft = drafts.read(fields);
  parts.take_profit.hidden = !draft.hasProfit;
  parts.stop_loss.hidden = !draft.hasLoss;
  parts.stop_loss_limit.hidden = !(draft.hasLoss && fits.stop_loss_limit);
  sayExits(words.exits(terms.exitSide(draft)));
  parts.advanced.open ||= draft.shown !== null || draft.isPostOnly || draft.extendedHours;
}

/** What exits do depends on what they end: what was bought is sold, what was sold short bought back. */
function sayExits({ profit, loss, limit, whenProfit, whenLoss, both }) {
  parts.oco.title = both;
  fields.has_profit.parentElement.title = whenProfit;
  fields.has_loss.parentElement.title = whenLoss;
  $("label", parts.take_profit).title = profit;
  $("label", parts.stop_loss).title = loss;
  put($("label", parts.stop_loss_limit), limit);
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

function showSums(draft, told, instrument) {
  const digits = steps.places(instrument, told?.price ?? quoteNow()?.last);
  const isBuy = draft.side === "buy";
  put(cell("symbol"), `${instrument.symbol}, in USD`);
  put(cell("cost-word"), isBuy ? "Estimated cost" : "Estimated proceeds");
  put(cell("cost"), money.money(told?.total));
  put(cell("fees"), fees(told));
  cell("fees").title = (told?.fees ?? []).map((fee) => `${fee.words} ${money.money(fee.amount)}`).join(", ");
  put(cell("worst"), money.price(told?.worst_price, digits));
  put(cell("held"), words.held(told?.held));
  put(cell("power-now"), money.money(told?.buying_power ?? store.account?.buying_power));
  put(cell("power-after"), money.money(told?.buying_power_after));
  parts.margin.hidden = !(told ? told.margin : store.account?.multiplier > 1);
  const [now, after] = told?.margin ?? [];
  put(cell("margin-now"), money.money(now?.initial_margin ?? store.account?.initial_margin));
  put(cell("margin-after"), money.money(after?.initial_margin));
  showDeed(draft, told);
}

const fees = (told) =>
  told && told.value !== null ? money.money(money.text(told.fees.reduce((sum, { amount }) => sum + money.parse(amount), 0n))) : money.NONE;

/** Say on the button what the order does: to sell what one has not is another thing. */
function showDeed(draft, told) {
  const isBuy = draft.side === "buy";
  const isOf = told?.symbol === draft.symbol && told.side === draft.side;
  const name = draft.kind === "oco" ? "exits" : words.deedName(isOf ? told : draft);
  const review = $("#review");
  put(review, `Review ${name}`);
  review.classList.toggle("button--buy", isBuy);
  review.classList.toggle("button--sell", !isBuy);
}

function showNotes(draft, told, instrument) {
  const digits = steps.places(instrument, quoteNow()?.last);
  put(cell("quantity-word"), draft.isByValue ? "Value" : "Quantity");
  put($("#quantity-note"), quantityNote(draft, told, instrument));
  const far = quoteNow()?.[draft.side === "buy" ? "ask" : "bid"];
  fields.limit_price.placeholder = fields.stop_price.placeholder = money.price(far, digits);
  const stop = draft.kind === "trailing_stop" ? trailedStop(draft, instrument) : null;
  put($("#trail-note"), stop === null ? "" : `Stop ${money.price(money.text(stop), digits)} now`);
  put($("#shown-note"), shownNote(draft.shown));
  put(cell("advanced"), advancedNote(draft));
  const entry = entryPrice(draft);
  const exit = { entry, units: draft.quantity, side: terms.exitSide(draft) };
  put($("#take_profit-note"), gainNote({ price: draft.takeProfit, ...exit }));
  put($("#stop_loss-note"), gainNote({ price: draft.stopLoss, ...exit }));
}

function quantityNote(draft, told, instrument) {
  const unit = words.unit(instrument);
  if (draft.isByValue) return told?.qty ? `About ${money.quantity(told.qty)} ${unit}` : "";
  const held = available();
  if (draft.side === "sell") {
    if (held === null) return "";
    if (held > 0n || !store.account?.shorting_enabled) return `You can sell ${money.quantity(money.text(held > 0n ? held : 0n))}`;
    return "Sells short: you have none";
  }
  if (held !== null && held < 0n) return `You are short, ${money.quantity(money.text(-held))} to cover`;
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

/** What was or would be paid, or got, for what the exits are to end. */
function entryPrice(draft) {
  if (draft.kind !== "oco") return estimate.expectedPrice(draft, quoteNow());
  const position = store.positions?.find(({ symbol }) => symbol === draft.symbol);
  return money.parse(position?.avg_entry_price);
}

function gainNote(exit) {
  const gain = estimate.gain(exit);
  if (!gain) return "";
  const amount = gain.amount === null ? "" : `${money.signedMoney(money.text(gain.amount))} `;
  return `${amount}(${money.percent(money.text(gain.percent))})`;
}

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
  fields.limit_price.value = fixed(near, steps.places(instrumentNow(), near));
}

/** A trailing stop lies at a price that there is, no nearer than its trail says. */
function trailedStop(draft, instrument) {
  const stop = estimate.stopPrice(draft, quoteNow());
  if (stop === null || stop <= 0n) return null;
  return draft.side === "buy" ? steps.up(instrument, stop) : steps.down(instrument, stop);
}

function step(name, way) {
  const instrument = instrumentNow();
  const isUnits = STEPS[name] && fields.by.value === "units";
  const isPercent = name === "trail" && fields.trail_by.value === "percent";
  const now = money.parseTyped(fields[name].value) ?? startOf(name);
  // Below the price from which steps are coarser the way down goes in the finer ones.
  const about = way < 0n && now > 0n ? now - 1n : now;
  const increment = isUnits ? money.parse(instrument.quantity_increment) : steps.at(instrument, about);
  const stride = strideOf({ name, isUnits, isPercent, increment });
  const next = now + way * stride;
  if (next < 0n || (next === 0n && name !== "shown")) return;
  const isPrice = !STEPS[name] && !isPercent;
  fields[name].value = isPrice
    ? fixed(money.text(next), steps.places(instrument, money.text(next)))
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
