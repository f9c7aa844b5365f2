// The rows of the tables of orders: open ones, with what can be done to them, and finished ones.

import { $, cell, hide, keepRows, make, put } from "../dom.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { store } from "../store.js";
import * as time from "../time.js";
import * as words from "../words.js";
import { addressOf } from "./watchlist.js";

const OPEN_COLUMNS = 9;

const tables = {
  open: { rows: $("[data-rows=open]"), empty: $("[data-empty=open]") },
  history: { rows: $("[data-rows=history]"), empty: $("[data-empty=history]") },
};
let act = {};

/** `actions`: select(id), cancel(id, button), change(id), and editor(order), which makes a form. */
export function begin(actions) {
  act = actions;
  for (const { rows } of Object.values(tables)) {
    rows.addEventListener("click", (event) => {
      const id = event.target.closest("tr")?.dataset.key;
      const button = event.target.closest("[data-act]");
      if (button?.dataset.act === "cancel") act.cancel(id, button);
      else if (button?.dataset.act === "change") act.change(id);
      else if (event.target.closest("a[data-symbol]") && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        act.select(id);
      }
    });
  }
}

export function show({ open, closed, editing, isMore }) {
  const rows = open.flatMap((order) => [
    { key: order.id, order },
    ...(order.id === editing ? [{ key: `${order.id}:change`, order, isEditor: true }] : []),
  ]);
  keepRows(tables.open.rows, rows, ({ key }) => key, buildOpen, fillOpen);
  keepRows(tables.history.rows, closed, ({ id }) => id, buildClosed, fillClosed);
  say(tables.open, open, "No order is open. What you place shows here until it is done.");
  say(tables.history, closed, "No order has ended yet. Filled, cancelled and rejected ones show here.");
  put($("[data-count=open]"), open.length ? `${open.length}${isMore ? "+" : ""}` : "");
  $("#more-open").hidden = !isMore;
}

export function fail(sentence) {
  for (const { empty } of Object.values(tables)) put(empty, sentence);
}

function say({ rows, empty }, orders, sentence) {
  rows.closest("table").hidden = orders.length === 0;
  empty.hidden = orders.length > 0;
  if (!orders.length) put(empty, sentence);
}

const digitsOf = (order) => steps.placesOf(store.instruments.get(order.symbol), order);

function buildStart(order) {
  const at = make("time");
  time.show(at, order.created_at);
  return [
    cell("time", { class: "quiet" }, make("a", { href: `/orders/${order.id}`, title: "Details of this order" }, at)),
    cell("symbol", {}, make("a", { href: addressOf(order.symbol), dataset: { symbol: "" } }, order.symbol)),
    cell("side", { class: order.side === "buy" ? "up" : "down" }, words.side(order.side)),
    cell("terms"),
    cell("quantity", { class: "number" }),
    cell("filled", { class: "number" }),
  ];
}

function fillStart({ children: cells }, order) {
  fillTerms(cells[3], order);
  put(cells[4], words.size(order));
  put(cells[5], money.quantity(order.filled_qty));
}

/** What the order is in its group, its terms, and what somebody should know of it. */
function fillTerms(place, order) {
  if (!place.children.length) {
    place.append(make("span", { class: "quiet" }), make("span"), make("span", { class: "warn" }));
  }
  const [role, terms, warning] = place.children;
  put(role, words.role(order.role) && order.role !== "entry" ? `${words.role(order.role)}: ` : "");
  put(terms, words.terms(order, digitsOf(order)) + followed(order));
  const warnings = words.warnings(order);
  put(warning, warnings ? ` · ${words.warned(order)}` : "");
  warning.title = warnings;
  place.title = [words.orderClass(order.order_class), `In force ${words.timeInForceWhy(order.time_in_force)}.`]
    .filter(Boolean)
    .join(". ");
}

/** Where a trailing stop has followed to: the price that would trigger it now. */
function followed(order) {
  const stop = words.trailingStop(order);
  return stop === null ? "" : `, stop ${money.price(money.text(stop), digitsOf(order))}`;
}

function buildOpen({ order, isEditor }) {
  if (isEditor) {
    return make("tr", { class: "editor" }, make("td", { colspan: OPEN_COLUMNS }, act.editor(order)));
  }
  const what = `${words.side(order.side)} ${words.size(order)} ${order.symbol}`;
  const button = (name, word) =>
    make("button", { type: "button", class: "link", dataset: { act: name }, "aria-label": `${word}: ${what}` }, word);
  return make(
    "tr",
    {},
    ...buildStart(order),
    cell("in-force", { title: words.timeInForceWhy(order.time_in_force) }, words.timeInForce(order.time_in_force)),
    cell("state"),
    cell("acts", { class: "number acts" }, button("change", "Change"), button("cancel", "Cancel")),
  );
}

function fillOpen(row, { order, isEditor }) {
  if (isEditor) return;
  row.classList.toggle("leg", Boolean(order.isIndented));
  fillStart(row, order);
  showState(row.children[7], order);
  const [change, cancel] = row.lastElementChild.children;
  hide(change, !words.isChangeable(order), $("a", row));
  hide(cancel, !words.isCancellable(order), $("a", row));
}

function buildClosed(order) {
  return make("tr", {}, ...buildStart(order), cell("average", { class: "number" }), cell("state"), cell("reason", { class: "quiet" }));
}

function fillClosed(row, order) {
  fillStart(row, order);
  put(row.children[6], money.price(order.filled_avg_price, digitsOf(order)));
  row.children[6].classList.toggle("is-none", !order.filled_avg_price);
  showState(row.children[7], order);
  put(row.children[8], order.status_reason ?? "");
}

function showState(place, order) {
  put(place, words.stateWord(order));
  place.title = words.stateWhy(order);
  place.classList.toggle("warn", order.state === "unknown");
}
