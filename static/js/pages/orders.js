// The list of orders: as the server made it, kept true by the account's events.

import { $, cell, keepRows, make, put, readJson } from "../dom.js";
import * as http from "../http.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { on } from "../store.js";
import "../strip.js";
import * as time from "../time.js";
import * as words from "../words.js";

const start = readJson("orders-start");
const orders = new Map(start.rows.map((order) => [order.id, order]));
const rows = $("#orders-rows");
const newOnes = new Set();
const changed = new Set();
let timer = 0;

const digitsOf = (order) => steps.placesOf(start.price_steps[order.symbol], order);

function show() {
  if (rows) keepRows(rows, [...orders.values()], ({ id }) => id, build, fill);
}

function build(order) {
  const at = make("time");
  time.show(at, order.created_at);
  const number = (name, text) => cell(name, { class: "number" }, text);
  return make(
    "tr",
    {},
    cell("time", {}, make("a", { href: `/orders/${order.id}`, title: "Details of this order" }, at)),
    cell("symbol", {}, order.symbol),
    cell("side", { class: order.side === "buy" ? "up" : "down" }, words.side(order.side)),
    cell("terms", { title: words.orderClass(order.order_class) }),
    number("quantity", words.size(order)),
    number("filled"),
    number("average"),
    cell("in-force", { title: words.timeInForceWhy(order.time_in_force) }, words.timeInForce(order.time_in_force)),
    cell("state"),
    cell("reason", { class: "quiet reason" }),
  );
}

function fill(row, order) {
  const cells = row.children;
  const why = [words.warnings(order), order.status_reason].filter(Boolean).join(" ");
  const role = order.role && order.role !== "entry" ? `${words.role(order.role)}: ` : "";
  put(cells[3], role + words.terms(order, digitsOf(order)));
  put(cells[5], money.quantity(order.filled_qty));
  put(cells[6], money.price(order.filled_avg_price, digitsOf(order)));
  cells[6].classList.toggle("is-none", !order.filled_avg_price);
  put(cells[8], words.stateWord(order));
  cells[8].title = [words.stateWhy(order), why].filter(Boolean).join(" ");
  put(cells[9], why);
  cells[9].title = why;
}

async function refresh() {
  timer = 0;
  const ids = [...changed];
  changed.clear();
  try {
    for (const order of await Promise.all(ids.map((id) => http.get(`/api/v1/orders/${id}`)))) {
      orders.set(order.id, { ...orders.get(order.id), ...order });
    }
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    tellNews(`What changed could not be read: ${error.message}`);
  }
}

function tellNews(text) {
  const news = $("#orders-news");
  news.replaceChildren(text, " ", make("a", { href: "/orders" }, "Show the newest"));
  news.hidden = false;
}

on("activity", (events) => {
  for (const { payload } of events) {
    const id = payload.order_id;
    if (!id) continue;
    if (orders.has(id)) changed.add(id);
    else newOnes.add(id);
  }
  if (newOnes.size) {
    tellNews(newOnes.size === 1 ? "An order that is not on this page changed." : `${newOnes.size} orders that are not on this page changed.`);
  }
  if (changed.size && !timer) timer = setTimeout(refresh, 100);
});
show();
$("#orders-frame")?.classList.remove("to-come");
