// One order: what it is, what happened to it, its fills.

import { $, keepRows, make, put, readJson } from "../dom.js";
import * as http from "../http.js";
import * as money from "../money.js";
import { on } from "../store.js";
import "../strip.js";
import * as time from "../time.js";
import * as timeline from "../timeline.js";
import * as words from "../words.js";

const { order: first, steps, fills, places } = readJson("order-start");
const digits = money.places(places[first.symbol]);
let order = first;
const cancel = $("#order-cancel");

function show() {
  put($("#order-title"), `${words.side(order.side)} ${money.quantity(order.qty)} ${order.symbol}`);
  put($("#order-state"), words.stateWord(order.status));
  put($("#order-why"), order.status_reason ?? words.stateWhy(order.status));
  cancel.hidden = words.isFinal(order.status) || order.status === "pending_cancel";
  const price = (value) => (value ? `${money.price(value, digits)} USD` : money.NONE);
  const facts = [
    ["Type", words.type(order.type)],
    ["Limit", price(order.limit_price)],
    ["In force", `${words.timeInForce(order.time_in_force)}: ${words.timeInForceWhy(order.time_in_force)}`],
    ["Quantity", money.quantity(order.qty)],
    ["Filled", money.quantity(order.filled_qty)],
    ["Average price", price(order.filled_avg_price)],
    ["Placed", time.long(order.created_at)],
    ["Your number", order.client_order_id],
    ["Our number", order.id],
  ];
  keepRows(
    $("#order-facts"),
    facts,
    ([name]) => name,
    ([name]) => make("div", {}, make("dt", {}, name), make("dd")),
    (row, [, value]) => put(row.lastElementChild, value),
  );
}

function showFills(rows) {
  keepRows(
    $("#fill-rows"),
    rows,
    ({ id }) => id,
    (fill) => {
      const at = make("time");
      time.show(at, fill.at);
      const number = (text) => make("td", { class: "number" }, text);
      return make(
        "tr",
        {},
        make("td", {}, at),
        number(money.quantity(fill.quantity)),
        number(money.price(fill.price, digits)),
        number(money.money(fill.value)),
        make("td", {}, fill.venue),
        make("td", { class: "quiet" }, fill.execution_id),
      );
    },
    () => {},
  );
  $("#fills-empty").hidden = rows.length > 0;
  $("#fill-rows").closest("table").hidden = rows.length === 0;
}

let isRefreshing = false;
let isOutdated = false;

async function refresh() {
  isOutdated = true;
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    while (isOutdated) {
      isOutdated = false;
      const [now, since] = await Promise.all([
        http.get(`/api/v1/orders/${order.id}`),
        http.get(`/api/v1/orders/${order.id}/timeline`),
      ]);
      order = now;
      timeline.show($("#order-timeline"), since, { isWhole: true });
      show();
    }
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    complain(`What happened since could not be read: ${error.message}`);
  } finally {
    isRefreshing = false;
  }
}

function complain(text) {
  put($("#order-error"), text);
  $("#order-error").hidden = !text;
}

on("activity", (events) => {
  const mine = events.filter(({ payload }) => payload.order_id === order.id);
  for (const { payload, at } of mine) {
    if (!payload.trade_id || fills.some(({ id }) => id === payload.trade_id)) continue;
    const value = money.text(money.times(money.parse(payload.price), money.parse(payload.fill_quantity)));
    fills.unshift({ id: payload.trade_id, at, quantity: payload.fill_quantity, price: payload.price, value, venue: "", execution_id: "" });
    showFills(fills);
  }
  if (mine.length) refresh();
});
cancel.addEventListener("click", async () => {
  if (cancel.getAttribute("aria-disabled") === "true") return;
  cancel.setAttribute("aria-disabled", "true");
  complain("");
  try {
    await http.remove(`/api/v1/orders/${order.id}`);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    complain(`Not cancelled. ${error.message}`);
  } finally {
    cancel.setAttribute("aria-disabled", "false");
  }
  await refresh();
});
show();
showFills(fills);
timeline.show($("#order-timeline"), steps, { isWhole: true });
