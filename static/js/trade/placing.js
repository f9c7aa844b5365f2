// From the review of a ticket to the end of its order: the one way by which an order leaves.

import { $, hide, keepRows, make, put } from "../dom.js";
import * as http from "../http.js";
import { announce } from "../keys.js";
import * as money from "../money.js";
import * as priceSteps from "../price-steps.js";
import { on, store, tell } from "../store.js";
import * as time from "../time.js";
import * as timeline from "../timeline.js";
import * as words from "../words.js";
import * as drafts from "./draft.js";
import { exitOf } from "./groups.js";
import * as reviews from "./review.js";
import * as rules from "./rules.js";

const AGAIN_MS = [500, 1500, 4000]; // waits before the same order is asked for again

const steps = { form: $("#ticket-form"), review: $("#ticket-review"), placed: $("#ticket-placed") };
const place = $("#place");

let ask = null; // what is under review: the draft, and the id that makes it one order
let order = null; // what it became
let returnToForm = () => {};
let blame = () => {};
let isField = () => false;

/** `again` empties the form; `blame` shows there what the server says against its fields. */
export function begin({ again, ...form }) {
  returnToForm = again;
  ({ blame, isField } = form);
  place.addEventListener("click", send);
  $("#back").addEventListener("click", back);
  $("#another").addEventListener("click", another);
  $("#placed-cancel").addEventListener("click", cancel);
  on("activity", (events) => {
    const ids = order && [order.id, ...(order.legs ?? []).map(({ id }) => id)];
    if (events.some(({ payload }) => ids?.includes(payload.order_id))) refresh();
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
export function review(draft, told) {
  const shown = reviews.of(draft, told);
  ask = { draft, clientOrderId: http.uuid(), isSending: false, button: shown.button };
  put($("#review-title"), shown.title);
  $("#review-facts").replaceChildren(
    ...shown.facts.map(([word, value, why]) =>
      make("div", {}, make("dt", { title: why }, word), make("dd", { class: "number" }, value)),
    ),
  );
  put($("#review-note"), shown.note);
  warn(draft, told);
  complain($("#review-error"), "");
  setSending(false);
  put(place, shown.button);
  place.classList.toggle("button--buy", draft.side === "buy");
  place.classList.toggle("button--sell", draft.side === "sell");
  show("review");
  place.focus();
}

/**
 * Say steadily what a person should look at: also that the same was asked for seconds ago, which may
 * be a second press, or meant.
 */
function warn(draft, told) {
  const twin = rules.twin(draft, store.latestOrders ?? [], Date.now());
  const age = twin && time.age(Date.now() - Date.parse(twin.created_at));
  const again = twin ? [`You placed the same order ${age} ago. This would be a second one.`] : [];
  const sentences = told.warnings.filter(({ code }) => code !== "possible_duplicate").map(({ message }) => message);
  complain($("#review-warning"), [...again, ...sentences].join(" "));
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
  const body = drafts.body(ask.draft, ask.clientOrderId);
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
    place.focus();
    return;
  }
  const faults = drafts.faults(error.body, isField);
  const nothing = "No order was placed and no money moved.";
  if (Object.keys(faults).length) {
    const [first] = Object.keys(faults);
    ask = null;
    show("form");
    blame({ ...faults, [first]: `${faults[first]} ${nothing}` });
    return;
  }
  complain(region, `${error.message} ${nothing}`);
  if (error.body.order_id) ask.clientOrderId = http.uuid(); // a denied order has used its id up
  put(place, ask.button);
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
  const digits = priceSteps.placesOf(instrument, order);
  const title = `${words.deed(order)} ${words.size(order)} ${order.symbol}`;
  const filled = money.parse(order.filled_qty) > 0n;
  const at = filled
    ? `: ${money.quantity(order.filled_qty)} at ${money.price(order.filled_avg_price, digits)} on average`
    : "";
  const state = `${words.stateWord(order)}${at}`;
  if ($("#placed-state").textContent !== state) announce(`${title}: ${state}`);
  put($("#placed-title"), title);
  put($("#placed-state"), state);
  put($("#placed-note"), order.status_reason ?? words.stateWhy(order));
  complain($("#placed-warning"), words.warnings(order));
  showLegs(order.legs ?? [], digits);
  hide($("#placed-cancel"), !words.isCancellable(order), $("#another"));
  $("#placed-link").href = `/orders/${order.id}`;
}

function showLegs(legs, digits) {
  const list = $("#placed-legs");
  list.hidden = legs.length === 0;
  keepRows(
    list,
    legs,
    ({ id }) => id,
    ({ id }) => make("li", {}, make("a", { href: `/orders/${id}` }), " ", make("span", { class: "quiet" })),
    (row, leg) => {
      put(row.firstElementChild, `${words.role(exitOf(leg))}: ${words.terms(leg, digits)}`);
      put(row.lastElementChild, words.stateWord(leg));
    },
  );
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
        http.get(`/api/v1/orders/${id}`, { nested: true }),
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
  if (button.getAttribute("aria-disabled") === "true") return;
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
