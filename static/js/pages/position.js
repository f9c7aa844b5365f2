// A position's page: naming the lots of a sale. The first press says what it brings, the second sells.

import { $, $$, eachFrame, put, setDirection } from "../dom.js";
import * as http from "../http.js";
import * as money from "../money.js";
import { on, store } from "../store.js";
import "../strip.js";
import "../time.js";

// --- What it is worth now ----------------------------------------------------------------------------

const facts = $("#position");
const GAINS = new Set(["unrealized_intraday_pl", "unrealized_pl"]);

/** Bring the figures up to date; of one that was closed meanwhile the last ones stay, as old. */
function showWorth() {
  if (!store.positions) return;
  const position = store.positions.find(({ symbol }) => symbol === facts.dataset.symbol);
  const isAsLoaded = money.parse(position?.qty ?? "0") === money.parse(facts.dataset.quantity);
  $("#position-changed").hidden = isAsLoaded;
  facts.classList.toggle("is-stale", !position && !isAsLoaded);
  if (!position) return;
  const digits = Math.max(2, money.places(position.current_price ?? "0.01"));
  const forms = {
    qty: money.quantity,
    qty_available: money.quantity,
    avg_entry_price: (value) => money.price(value, digits),
    current_price: (value) => money.price(value, digits),
  };
  for (const cell of $$("[data-position]", facts)) {
    const name = cell.dataset.position;
    const form = forms[name] ?? (GAINS.has(name) ? money.signedMoney : money.money);
    put(cell, form(position[name]));
    if (GAINS.has(name)) setDirection(cell, money.direction(position[name]));
  }
  for (const row of $$("tr[data-cost]")) showLot(row, money.parse(position.current_price));
}

function showLot(row, price) {
  if (price === null) return;
  const worth = money.times(money.parse(row.dataset.quantity), price);
  const gain = money.text(worth - money.parse(row.dataset.cost));
  const cell = $("[data-gain]", row);
  put(cell, money.signedMoney(gain));
  setDirection(cell, money.direction(gain));
}

on("positions", eachFrame(showWorth));

// --- Selling lots by name ----------------------------------------------------------------------------

const place = $("#lot-sale");
const button = $("#lot-sale-go");
const boxes = $$("[name=lot]");
let ask = null; // what is under review: one body, one id, one order
let isBusy = false;

const chosen = () => boxes.filter((box) => box.checked);

function begin() {
  ask = null;
  complain("");
  const lots = chosen();
  const quantity = lots.reduce((sum, box) => sum + money.parse(box.dataset.quantity), 0n);
  button.disabled = lots.length === 0;
  put(button, "Sell these lots at the market…");
  put($("#lot-sale-note"), lots.length ? `${money.quantity(money.text(quantity))} ${place.dataset.symbol} of ${lots.length === 1 ? "one lot" : `${lots.length} lots`}.` : "Choose the lots to sell.");
  return { lots: lots.map((box) => box.value), quantity: money.text(quantity) };
}

function complain(text) {
  put($("#lot-sale-error"), text);
  $("#lot-sale-error").hidden = !text;
}

async function press() {
  if (isBusy) return;
  isBusy = true;
  try {
    await (ask ? sell() : review());
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    complain(error.isUncertain && ask ? "No answer came. Press again: it is sold once." : error.message);
  } finally {
    isBusy = false;
  }
}

async function review() {
  const { symbol, time } = place.dataset;
  const { lots, quantity } = begin();
  const body = { symbol, qty: quantity, side: "sell", type: "market", time_in_force: time, lots };
  const told = await http.post("/api/v1/orders/estimate", body);
  if (told.denial) {
    complain(`${told.denial.message} Nothing was sold.`);
    return;
  }
  ask = { ...body, client_order_id: http.uuid() };
  const warned = told.warnings.map(({ message }) => ` ${message}`).join("");
  put($("#lot-sale-note"), `Brings about ${money.money(told.total)} USD after ${money.money(money.text(told.fees.reduce((sum, { amount }) => sum + money.parse(amount), 0n)))} of fees, at no less than ${money.price(told.worst_price, Math.max(2, money.places(told.worst_price)))} each.${warned}`);
  put(button, `Sell ${money.quantity(quantity)} ${symbol} now`);
}

async function sell() {
  const order = await http.post("/api/v1/orders", ask);
  location.assign(`/orders/${order.id}`);
}

for (const box of boxes) box.addEventListener("change", begin);
button?.addEventListener("click", press);
