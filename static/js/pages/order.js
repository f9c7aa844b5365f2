// One order: what it is, what happened to it, what belongs to it, its fills.

import { $, hide, keepRows, make, put, readJson } from "../dom.js";
import * as changing from "../changing.js";
import * as http from "../http.js";
import * as money from "../money.js";
import * as priceSteps from "../price-steps.js";
import { on } from "../store.js";
import "../strip.js";
import * as time from "../time.js";
import * as timeline from "../timeline.js";
import * as words from "../words.js";

const start = readJson("order-start");
const { fills } = start;
const digits = priceSteps.placesOf(start.price_steps[start.order.symbol], start.order);
let { order, steps, group } = start;
let past = null; // { at, order }: the order as it stood then, while that is shown

const cancel = $("#order-cancel");
const change = $("#order-change");
const editor = $("#order-editor");
const price = (value) => (value ? `${money.price(value, digits)} USD` : money.NONE);
const link = (id, text) => make("a", { href: `/orders/${id}` }, text);

// --- Showing -------------------------------------------------------------------------------------

function show() {
  const shown = past?.order ?? order;
  put($("#order-title"), `${words.side(order.side)} ${words.size(order)} ${order.symbol}`);
  put($("#order-state"), words.stateWord(shown));
  put($("#order-why"), shown.status_reason ?? words.stateWhy(shown));
  say($("#order-warning"), words.warnings(order));
  hide(cancel, Boolean(past) || !words.isCancellable(order), $("#order-title"));
  hide(change, Boolean(past) || !words.isChangeable(order) || !editor.hidden, $("#order-title"));
  if (!words.isChangeable(order)) closeEditor();
  showFacts(shown);
  showGroup();
  showFills();
  timeline.show($("#order-timeline"), steps, {
    isWhole: true, until: past?.at ?? null, pick: lookBack, other: besides,
  });
}

/** The order that a step is about besides this one: which it took over from, or which did so. */
function besides({ state }, index) {
  if (index === 0 && order.replaces) return { id: order.replaces, words: "The order before it" };
  const isTaken = ["pending_replace", "replaced"].includes(state) && order.replaced_by;
  return isTaken ? { id: order.replaced_by, words: "The order after it" } : null;
}

function showFacts(shown) {
  keepRows(
    $("#order-facts"),
    facts(shown),
    ([name]) => name,
    ([name]) => make("div", {}, make("dt", {}, name), make("dd")),
    (row, [, value]) => {
      const cell = row.lastElementChild;
      if (typeof value === "string") put(cell, value);
      else if (cell.textContent !== value.textContent) cell.replaceChildren(value);
    },
  );
}

function facts(shown) {
  const stop = words.trailingStop(shown);
  return [
    ["Terms", words.terms(shown, digits)],
    ...(stop === null ? [] : [["Best price so far", price(shown.hwm)], ["Stop now", price(money.text(stop))]]),
    ["In force", `${words.timeInForce(shown.time_in_force)}: ${words.timeInForceWhy(shown.time_in_force)}`],
    ...(shown.expires_at ? [["Ends by itself", time.long(shown.expires_at)]] : []),
    [shown.qty ? "Quantity" : "Value", words.size(shown)],
    ["Filled", money.quantity(shown.filled_qty)],
    ["Average price", price(shown.filled_avg_price)],
    ["Placed", time.long(shown.created_at)],
    ...(shown.triggered_at ? [["Price reached", time.long(shown.triggered_at)]] : []),
    ...(shown.replaces ? [["Replaces", link(shown.replaces, "the order before it")]] : []),
    ...(shown.replaced_by ? [["Replaced by", link(shown.replaced_by, "the order after it")]] : []),
    ["Your number", shown.client_order_id],
    ["Our number", shown.id],
  ];
}

function showGroup() {
  $("#group").hidden = group.length < 2;
  put($("#group-class"), words.orderClass(order.order_class));
  keepRows(
    $("#group-rows"),
    group,
    ({ id }) => id,
    (each) =>
      make(
        "tr",
        {},
        make("td", {}, each.id === order.id ? `${words.role(each.role)} (this order)` : link(each.id, words.role(each.role))),
        make("td", { class: each.side === "buy" ? "up" : "down" }, words.side(each.side)),
        make("td"),
        make("td", { class: "number" }),
        make("td", { class: "number" }),
        make("td"),
      ),
    ({ children: cells }, each) => {
      put(cells[2], words.terms(each, digits));
      put(cells[3], words.size(each));
      put(cells[4], money.quantity(each.filled_qty));
      put(cells[5], words.stateWord(each));
      cells[5].title = words.stateWhy(each);
    },
  );
}

/** Every fill, and every one that the venue took back, as a row of its own: they add up. */
function showFills() {
  const rows = past ? fills.filter(({ at }) => at <= past.at) : fills;
  const busted = new Set(rows.map(({ busts }) => busts));
  keepRows($("#fill-rows"), rows, ({ id }) => id, buildFill, (row, { id }) => {
    row.classList.toggle("busted", busted.has(id));
  });
  $("#fills-empty").hidden = rows.length > 0;
  $("#fill-rows").closest("table").hidden = rows.length === 0;
}

function buildFill(fill) {
  const at = make("time");
  time.show(at, fill.at);
  const sign = fill.busts ? money.MINUS : "";
  const number = (text) => make("td", { class: "number" }, text);
  return make(
    "tr",
    {},
    make("td", {}, at),
    number(`${sign}${money.quantity(fill.quantity)}`),
    number(money.price(fill.price, digits)),
    number(`${sign}${money.money(fill.value)}`),
    make("td", {}, fill.venue),
    make("td", { class: "quiet" }, fill.busts ? `${fill.execution_id}: taken back by the venue` : fill.execution_id),
  );
}

function say(region, text) {
  put(region, text);
  region.hidden = !text;
}

// --- As it stood ---------------------------------------------------------------------------------

const asOf = { form: $("#as-of"), input: $("#as-of-time"), error: $("#as-of-error"), now: $("#as-of-now") };

/** Show the order as it stood at `at`, an instant as the API writes it. */
async function lookBack(at) {
  put(asOf.error, "");
  try {
    past = { at, order: await http.get(`/api/v1/orders/${order.id}`, { as_of: at }) };
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put(asOf.error, error.body.reason === "not_yet" ? "The order was placed later than that." : error.message);
    return;
  }
  asOf.input.value = local(at);
  asOf.now.hidden = false;
  say($("#as-of-notice"), `You see the order as it stood at ${time.long(at)}.`);
  show();
}

/** Return an instant as the field writes it: this zone's time, to the second. */
function local(at) {
  const moment = new Date(at);
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

asOf.form.addEventListener("submit", (event) => {
  event.preventDefault();
  const moment = new Date(asOf.input.value);
  if (Number.isNaN(moment.getTime())) {
    put(asOf.error, "Say a day and a time.");
    asOf.input.focus();
    return;
  }
  lookBack(moment.toISOString());
});
asOf.now.addEventListener("click", () => {
  past = null;
  asOf.now.hidden = true;
  say($("#as-of-notice"), "");
  show();
  asOf.input.focus();
});

// --- Keeping it true -----------------------------------------------------------------------------

let isRefreshing = false;
let isOutdated = false;

async function refresh() {
  isOutdated = true;
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    while (isOutdated) {
      isOutdated = false;
      const others = group.filter(({ id }) => id !== order.id);
      const [now, since, ...rest] = await Promise.all([
        http.get(`/api/v1/orders/${order.id}`),
        http.get(`/api/v1/orders/${order.id}/timeline`),
        ...others.map(({ id }) => http.get(`/api/v1/orders/${id}`)),
      ]);
      order = now;
      steps = since;
      const fresh = new Map([now, ...rest].map((each) => [each.id, each]));
      group = group.map((each) => ({ ...each, ...fresh.get(each.id) }));
      show();
    }
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    say($("#order-error"), `What happened since could not be read: ${error.message}`);
  } finally {
    isRefreshing = false;
  }
}

function takeFill({ at, payload }) {
  if (!payload.trade_id || fills.some(({ id }) => id === payload.trade_id)) return;
  const value = money.text(money.times(money.parse(payload.price), money.parse(payload.fill_quantity)));
  fills.unshift({
    id: payload.trade_id, at, quantity: payload.fill_quantity, price: payload.price, value,
    venue: "", execution_id: "", busts: payload.busts ?? null,
  });
}

on("activity", (events) => {
  const ids = new Set([order.id, ...group.map(({ id }) => id)]);
  const mine = events.filter(({ payload }) => ids.has(payload.order_id));
  for (const event of mine) if (event.payload.order_id === order.id) takeFill(event);
  if (mine.length) refresh();
});

// --- Changing and cancelling ---------------------------------------------------------------------

function closeEditor() {
  editor.hidden = true;
  editor.replaceChildren();
}

change.addEventListener("click", () => {
  const leave = () => {
    closeEditor();
    show();
    change.focus();
  };
  // The replacement is an order of its own, with a page of its own.
  const done = ({ id }) => location.assign(`/orders/${id}`);
  editor.replaceChildren(changing.form(order, { leave, done }));
  editor.hidden = false;
  change.hidden = true;
  $("input", editor).focus();
});

cancel.addEventListener("click", async () => {
  if (cancel.getAttribute("aria-disabled") === "true") return;
  cancel.setAttribute("aria-disabled", "true");
  say($("#order-error"), "");
  try {
    await http.remove(`/api/v1/orders/${order.id}`);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    say($("#order-error"), `Not cancelled. ${error.message}`);
  } finally {
    cancel.setAttribute("aria-disabled", "false");
  }
  await refresh();
});

show();
