// Open orders and the latest finished ones, kept up to date by the account's events.

import { $, eachFrame, keepRows, make, put } from "../dom.js";
import * as http from "../http.js";
import { announce } from "../keys.js";
import * as money from "../money.js";
import { on, store, tell } from "../store.js";
import * as time from "../time.js";
import * as words from "../words.js";
import { addressOf } from "./watchlist.js";

const OPEN_MAX = 500;
const HISTORY_MAX = 50;
const ONE_BY_ONE_MAX = 8; // beyond that many changed orders, the lists are read again whole
const GATHER_MS = 100;

const tables = {
  open: { rows: $("[data-rows=open]"), empty: $("[data-empty=open]") },
  history: { rows: $("[data-rows=history]"), empty: $("[data-empty=history]") },
};
const known = new Map(); // id -> order
const changed = new Set();
let isLoaded = false;
let timer = 0;

const show = eachFrame(showTables);

export function begin({ select }) {
  on("activity", (events) => {
    for (const { payload } of events) if (payload.order_id) changed.add(payload.order_id);
    if (changed.size && !timer) timer = setTimeout(refresh, GATHER_MS);
  });
  on("order", (order) => {
    known.set(order.id, order); // what the ticket has learned need not be asked for again
    show();
  });
  for (const { rows } of Object.values(tables)) {
    rows.addEventListener("click", (event) => {
      const id = event.target.closest("tr")?.dataset.key;
      if (event.target.closest("button")) cancel(id, event.target.closest("button"));
      else if (event.target.closest("a[data-symbol]") && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        select(known.get(id).symbol);
      }
    });
  }
  load();
}

async function load() {
  try {
    const [open, closed] = await Promise.all([
      http.get("/api/v1/orders", { status: "open", limit: OPEN_MAX }),
      http.get("/api/v1/orders", { status: "closed", limit: HISTORY_MAX }),
    ]);
    known.clear();
    for (const order of [...open, ...closed]) known.set(order.id, order);
    isLoaded = true;
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    for (const { empty } of Object.values(tables)) {
      put(empty, `The orders could not be loaded. ${error.message} Reload the page.`);
    }
  }
}

async function refresh() {
  timer = 0;
  const ids = [...changed];
  changed.clear();
  if (ids.length > ONE_BY_ONE_MAX) {
    await load();
    return;
  }
  try {
    const orders = await Promise.all(ids.map((id) => http.get(`/api/v1/orders/${id}`)));
    for (const order of orders) known.set(order.id, order);
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    await load(); // says so beside the tables when it fails as well
  }
}

function showTables() {
  if (!isLoaded) return;
  const newest = [...known.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
  const open = newest.filter(({ status }) => !words.isFinal(status));
  const closed = newest.filter(({ status }) => words.isFinal(status)).slice(0, HISTORY_MAX);
  for (const order of newest.slice(OPEN_MAX + HISTORY_MAX)) {
    if (words.isFinal(order.status)) known.delete(order.id);
  }
  store.openOrders = open;
  tell("lines");
  fillTable(tables.open, open, buildOpen, fillOpen, "No order is open. What you place shows here until it is done.");
  fillTable(tables.history, closed, buildClosed, fillClosed, "No order has ended yet. Filled, cancelled and rejected ones show here.");
  put($("[data-count=open]"), open.length ? String(open.length) : "");
}

function fillTable({ rows, empty }, orders, build, fill, words) {
  keepRows(rows, orders, ({ id }) => id, build, fill);
  rows.closest("table").hidden = orders.length === 0;
  empty.hidden = orders.length > 0;
  if (!orders.length) put(empty, words);
}

const digitsOf = (symbol) => money.places(store.instruments.get(symbol)?.price_increment ?? "0.01");
const td = (name) => make("td", name ? { class: name } : {});

function buildStart(order) {
  const at = make("time");
  time.show(at, order.created_at);
  return [
    make("td", { class: "quiet" }, make("a", { href: `/orders/${order.id}`, title: "Details of this order" }, at)),
    make("td", {}, make("a", { href: addressOf(order.symbol), dataset: { symbol: "" } }, order.symbol)),
    make("td", { class: order.side === "buy" ? "up" : "down" }, words.side(order.side)),
    make("td", {}, words.type(order.type)),
    make("td", { class: "number" }, money.quantity(order.qty)),
  ];
}

function buildOpen(order) {
  const digits = digitsOf(order.symbol);
  return make(
    "tr",
    {},
    ...buildStart(order),
    td("number"),
    make("td", { class: "number" }, order.limit_price ? money.price(order.limit_price, digits) : money.NONE),
    make("td", { title: words.timeInForceWhy(order.time_in_force) }, words.timeInForce(order.time_in_force)),
    td(),
    make(
      "td",
      { class: "number" },
      make("button", { type: "button", class: "link", "aria-label": `Cancel: ${words.side(order.side)} ${money.quantity(order.qty)} ${order.symbol}` }, "Cancel"),
    ),
  );
}

function fillOpen(row, order) {
  put(row.children[5], money.quantity(order.filled_qty));
  showState(row.children[8], order);
  const button = row.lastElementChild.firstElementChild;
  button.hidden = order.status === "pending_cancel";
}

function buildClosed(order) {
  return make("tr", {}, ...buildStart(order), td("number"), td("number"), td(), td("quiet"));
}

function fillClosed(row, order) {
  put(row.children[5], money.quantity(order.filled_qty));
  put(row.children[6], money.price(order.filled_avg_price, digitsOf(order.symbol)));
  showState(row.children[7], order);
  put(row.children[8], order.status_reason ?? "");
}

function showState(cell, order) {
  put(cell, words.stateWord(order.status));
  cell.title = words.stateWhy(order.status);
}

async function cancel(id, button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  put(button, "Cancelling…");
  try {
    await http.remove(`/api/v1/orders/${id}`);
    known.set(id, await http.get(`/api/v1/orders/${id}`));
    announce("Cancel requested.");
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    button.title = error.message;
    put(button, "Not cancelled, try again");
    announce(`Not cancelled. ${error.message}`);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
}
