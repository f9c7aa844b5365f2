// Changing an open order in place: a new order takes over from it, linked both ways.

import { make, put } from "./dom.js";
import * as http from "./http.js";
import * as money from "./money.js";

const AGAIN_MS = [500, 1500, 4000];
const FIELDS = {
  qty: { word: "Quantity", has: () => true },
  limit_price: { word: "Limit", has: ({ limit_price: limit }) => limit !== null },
  stop_price: { word: "Stop", has: ({ stop_price: stop, type }) => stop !== null && type !== "trailing_stop" },
  trail: { word: "Trail", has: ({ type }) => type === "trailing_stop" },
};
const valueOf = (order, name) =>
  name === "trail" ? (order.trail_percent ?? order.trail_price) : order[name];

/** Return a form that changes `order`: `done(replacement)` once it is asked for, `leave()` if not. */
export function form(order, { done, leave }) {
  const names = Object.keys(FIELDS).filter((name) => FIELDS[name].has(order));
  // One wish, one id: however often it is sent, it is carried out once.
  let clientOrderId = http.uuid();
  let isSending = false;
  const error = make("p", { class: "field__error change__error", role: "alert" });
  const button = make("button", { class: "button button--small button--primary" }, "Change order");
  const element = make(
    "form",
    { class: "change", novalidate: true, autocomplete: "off", "aria-label": "Change this order" },
    ...names.map((name) => field(order, name)),
    button,
    make("button", { type: "button", class: "button button--small", onclick: leave }, "Leave it"),
    make("p", { class: "change__note faint" }, "Keeps its place in the queue if only the quantity shrinks."),
    error,
  );
  element.addEventListener("input", () => {
    clientOrderId = http.uuid();
    complain({});
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    leave();
  });
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    const { wanted, wrong } = read();
    complain(wrong);
    if (Object.keys(wrong).length) return;
    isSending = true;
    button.setAttribute("aria-disabled", "true");
    try {
      done(await patch(order.id, { ...wanted, client_order_id: clientOrderId }));
    } catch (failure) {
      if (!(failure instanceof http.ApiError)) throw failure;
      if (!failure.isUncertain) clientOrderId = http.uuid();
      complain(faults(failure));
    } finally {
      isSending = false;
      button.setAttribute("aria-disabled", "false");
    }
  });

  /** Return what differs from the order as it is, and what cannot be read. */
  function read() {
    const wanted = {};
    const wrong = {};
    for (const name of names) {
      const typed = money.parseTyped(element.elements[name].value);
      if (typed === null || typed <= 0n) wrong[name] = "Say a number above zero.";
      else if (typed !== money.parse(valueOf(order, name))) wanted[name] = money.text(typed);
    }
    const isSame = !Object.keys(wanted).length && !Object.keys(wrong).length;
    return { wanted, wrong: isSame ? { [names.at(-1)]: "Nothing is different yet." } : wrong };
  }

  function complain(wrong) {
    for (const name of names) element.elements[name].setAttribute("aria-invalid", String(Boolean(wrong[name])));
    put(error, Object.values(wrong).join(" "));
    const first = names.find((name) => wrong[name]);
    if (first) element.elements[first].focus();
  }

  return element;
}

function field(order, name) {
  const unit = name === "trail" && order.trail_percent !== null ? ", percent" : "";
  // As in FIX: the total, of which something may be executed already.
  const part = name === "qty" && money.parse(order.filled_qty) > 0n ? `, with ${money.quantity(order.filled_qty)} filled` : "";
  const input = make("input", { class: "input number", name, inputmode: "decimal" });
  input.value = valueOf(order, name);
  return make("label", { class: "change__field" }, make("span", {}, `${FIELDS[name].word}${unit}${part}`), input);
}

/** Send until an answer comes: the id makes every repeat the same change. */
async function patch(id, body) {
  for (const wait of [...AGAIN_MS, null]) {
    try {
      return await http.call(`/api/v1/orders/${id}`, { method: "PATCH", body });
    } catch (error) {
      if (wait === null || !(error instanceof http.ApiError) || !error.isUncertain) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return null;
}

function faults(failure) {
  if (failure.isUncertain) return { "": "No answer came, so it is not known whether it was changed. Press again: that cannot change it twice." };
  const found = Object.fromEntries((failure.body.errors ?? []).map(({ field, message }) => [field, message]));
  return Object.keys(found).length ? found : { "": `Not changed: the order stands as it is. ${failure.message}` };
}
