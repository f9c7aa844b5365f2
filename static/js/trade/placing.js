// From the review of a ticket to the end of its order: the one way by which an order leaves.

import { $, make, put } from "../dom.js";
import * as http from "../http.js";
import { announce } from "../keys.js";
import * as money from "../money.js";
import { on, store, tell } from "../store.js";
import * as timeline from "../timeline.js";
import * as words from "../words.js";

const AGAIN_MS = [500, 1500, 4000]; // waits before the same order is asked for again

const steps = { form: $("#ticket-form"), review: $("#ticket-review"), placed: $("#ticket-placed") };
const place = $("#place");

let ask = null; // what is under review: draft, totals, and the id that makes it one order
let order = null; // what it became
let returnToForm = () => {};

export function begin({ again }) {
  returnToForm = again;
  place.addEventListener("click", send);
  $("#back").addEventListener("click", back);
  $("#another").addEventListener("click", another);
  $("#placed-cancel").addEventListener("click", cancel);
  on("activity", (events) => {
    if (order && events.some(({ payload }) => payload.order_id === order.id)) refresh();
  });
  on("symbol", () => {
    if (!steps.review.hidden) back();
  });
}

function show(name) {
  for (const [each, section] of Object.entries(steps)) section.hidden = each !== name;
}

// --- Review ------------------------------------------------------------------------------------------

/** Show what is about to leave. From here on the ticket has its id: sent twice, it is one order. */
export function review(draft, totals) {
  ask = { draft, totals, clientOrderId: http.uuid(), isSending: false };
  const instrument = store.instruments.get(draft.symbol);
  const digits = money.places(instrument.price_increment);
  const price = (value) => money.price(money.text(value), digits);
  const amount = (value) => (value === null ? money.NONE : `${money.money(money.text(value))} USD`);
  const quantity = money.quantity(money.text(draft.quantity));
  const isBuy = draft.side === "buy";
  put($("#review-title"), `${words.side(draft.side)} ${quantity} ${draft.symbol}`);
  const facts = [
    ["Type", draft.type === "limit" ? `Limit at ${price(draft.limitPrice)}` : "Market"],
    ["In force", words.timeInForce(draft.timeInForce), words.timeInForceWhy(draft.timeInForce)],
    [isBuy ? "Estimated cost" : "Estimated proceeds", amount(totals.cost)],
    ["Fees", "None"],
    ...(isBuy
      ? [
          ["Held until it is filled", amount(totals.held), "What is not needed comes back with the fill."],
          ["Buying power after", amount(totals.after)],
        ]
      : [["Held until it is filled", `${quantity} ${draft.symbol}`, "They cannot be sold twice meanwhile."]]),
    ["Margin", "Not used"],
  ];
  $("#review-facts").replaceChildren(
    ...facts.map(([word, value, why]) =>
      make("div", {}, make("dt", { title: why }, word), make("dd", { class: "number" }, value)),
    ),
  );
  put($("#review-note"), note(draft, totals, price));
  complain($("#review-error"), "");
  setSending(false);
  put(place, `Place ${isBuy ? "buy" : "sell"} order`);
  place.classList.toggle("button--buy", isBuy);
  place.classList.toggle("button--sell", !isBuy);
  show("review");
  place.focus();
}

function note({ side, type, timeInForce }, { worst }, price) {
  if (type === "market") {
    return side === "buy"
      ? `Fills at the best prices there are, at most ${price(worst)} each: that is what is held.`
      : `Fills at the best prices there are, at least ${price(worst)} each.`;
  }
  return `Fills at your limit or better: ${words.timeInForceWhy(timeInForce)}.`;
}

function back() {
  if (ask?.isSending) return;
  ask = null;
  show("form");
  $("#review").focus();
}

// --- Sending -----------------------------------------------------------------------------------------

async function send() {
  if (!ask || ask.isSending) return;
  setSending(true);
  complain($("#review-error"), "");
  const { draft, clientOrderId } = ask;
  const body = {
    symbol: draft.symbol,
    qty: money.text(draft.quantity),
    side: draft.side,
    type: draft.type,
    time_in_force: draft.timeInForce,
    client_order_id: clientOrderId,
    ...(draft.limitPrice === null ? {} : { limit_price: money.text(draft.limitPrice) }),
  };
  try {
    placed(await postOnce(body));
  } catch (error) {
    setSending(false);
    if (!(error instanceof http.ApiError)) throw error;
    failed(error);
  }
}

/** Post until an answer comes. The id makes every repeat the same order. */
async function postOnce(body) {
  for (const wait of [...AGAIN_MS, null]) {
    try {
      return await http.post("/api/v1/orders", body);
    } catch (error) {
      if (wait === null || !(error instanceof http.ApiError) || !error.isUncertain) throw error;
      put(place, "No answer yet, asking again…");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return null;
}

function failed(error) {
  const region = $("#review-error");
  if (error.isUncertain && error.body.reason !== "not_accepted") {
    complain(
      region,
      "No answer came, so it is not known whether the order was received. Ask again: that " +
        "cannot place it twice. Or look under Open orders.",
    );
    put(place, "Ask again");
  } else {
    const mistakes = error.body.errors?.map(({ message }) => message).join(" ");
    complain(region, `${mistakes || error.message} No order was placed and no money moved.`);
    if (error.body.order_id) ask.clientOrderId = http.uuid(); // a denied order has used its id up
    put(place, `Place ${ask.draft.side} order`);
  }
  place.focus();
}

function setSending(isSending) {
  ask.isSending = isSending;
  // Not `disabled`: that would drop the focus. A second press is turned away by `isSending`.
  place.setAttribute("aria-disabled", String(isSending));
  if (isSending) put(place, "Placing the order…");
}

function complain(region, text) {
  put(region, text);
  region.hidden = !text;
}

// --- What became of it -------------------------------------------------------------------------------

function placed(answer) {
  order = answer;
  ask = null;
  tell("order", order);
  show("placed");
  complain($("#placed-error"), "");
  $("#placed-timeline").replaceChildren();
  showOrder();
  $("#another").focus();
  refresh();
}

function showOrder() {
  const instrument = store.instruments.get(order.symbol);
  const digits = money.places(instrument.price_increment);
  put($("#placed-title"), `${words.side(order.side)} ${money.quantity(order.qty)} ${order.symbol}`);
  const state = words.stateWord(order.status);
  const filled = money.parse(order.filled_qty) > 0n;
  const at = filled
    ? `: ${money.quantity(order.filled_qty)} at ${money.price(order.filled_avg_price, digits)} on average`
    : "";
  if ($("#placed-state").textContent !== `${state}${at}`) announce(`${$("#placed-title").textContent}: ${state}${at}`);
  put($("#placed-state"), `${state}${at}`);
  put($("#placed-note"), order.status_reason ?? words.stateWhy(order.status));
  $("#placed-cancel").hidden = words.isFinal(order.status) || order.status === "pending_cancel";
  $("#placed-link").href = `/orders/${order.id}`;
}

let isRefreshing = false;
let isOutdated = false;

async function refresh() {
  isOutdated = true;
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    while (isOutdated && order) {
      isOutdated = false;
      const { id } = order;
      const [now, steps] = await Promise.all([
        http.get(`/api/v1/orders/${id}`),
        http.get(`/api/v1/orders/${id}/timeline`),
      ]);
      if (order?.id !== id) continue;
      order = now;
      tell("order", order);
      timeline.show($("#placed-timeline"), steps);
      showOrder();
    }
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    complain($("#placed-error"), `What happened since could not be read: ${error.message}`);
  } finally {
    isRefreshing = false;
  }
}

async function cancel() {
  const button = $("#placed-cancel");
  button.setAttribute("aria-disabled", "true");
  try {
    await http.remove(`/api/v1/orders/${order.id}`);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    complain($("#placed-error"), `Not cancelled. ${error.message}`);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
  await refresh();
  if (button.hidden) $("#another").focus();
}

function another() {
  order = null;
  show("form");
  returnToForm();
}

/** Leave the review or the result; return whether there was one. */
export function leave() {
  if (!steps.review.hidden) back();
  else if (!steps.placed.hidden) another();
  else return false;
  return true;
}
