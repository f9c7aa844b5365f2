// Open orders and the latest finished ones, kept up to date by the account's events.

import { $, eachFrame } from "../dom.js";
import * as http from "../http.js";
import { announce } from "../keys.js";
import { on, store, tell } from "../store.js";
import * as words from "../words.js";
import * as changing from "../changing.js";
import * as cancelling from "./cancelling.js";
import * as groups from "./groups.js";
import * as tables from "./ordertables.js";

const OPEN_MAX = 500;
const HISTORY_MAX = 50;
const ONE_BY_ONE_MAX = 8; // beyond that many changed orders, the lists are read again whole
const GATHER_MS = 100;
const MARKS_MS = 5000; // how often trailing stops are asked where they have followed to

const known = new Map(); // id -> order
const changed = new Set();
let isLoaded = false;
let isMore = false; // whether more orders are open than were read
let timer = 0;
let editing = null; // the id of the order that is being changed

const show = eachFrame(showTables);

export function begin({ select }) {
  on("activity", (events) => {
    for (const { payload } of events) if (payload.order_id) changed.add(payload.order_id);
    if (changed.size && !timer) timer = setTimeout(refresh, GATHER_MS);
  });
  on("order", (order) => {
    take([order]); // what the ticket has learned need not be asked for again
    show();
  });
  tables.begin({
    select: (id) => select(known.get(id).symbol),
    cancel,
    change,
    editor,
  });
  cancelling.begin({ done: load });
  setInterval(followMarks, MARKS_MS);
  on("connection", (state) => state === "live" && !isLoaded && load());
  load();
}

/** Keep what the API says of orders; a leg that comes alone keeps the place that it had. */
function take(orders) {
  for (const order of groups.unfold(orders)) {
    known.set(order.id, { head: known.get(order.id)?.head ?? null, ...order });
  }
}

async function load() {
  try {
    const [open, closed] = await Promise.all([
      http.get("/api/v1/orders", { status: "open", nested: true, limit: OPEN_MAX }),
      http.get("/api/v1/orders", { status: "closed", nested: true, limit: HISTORY_MAX }),
    ]);
    isMore = open.length === OPEN_MAX;
    known.clear();
    take([...closed, ...open]);
    isLoaded = true;
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    tables.fail(`The orders could not be loaded. ${error.message}`);
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
    take(await Promise.all(ids.map(read)));
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    await load(); // says so beside the tables when it fails as well
  }
}

const read = (id) => http.get(`/api/v1/orders/${id}`, { nested: true });

/** A trailing stop follows the price without an event: ask, while somebody looks at one. */
function followMarks() {
  if (document.hidden || store.connection !== "live") return;
  const trailing = (store.openOrders ?? []).filter(({ type }) => type === "trailing_stop");
  for (const { id } of trailing.slice(0, ONE_BY_ONE_MAX)) changed.add(id);
  if (changed.size && !timer) timer = setTimeout(refresh, GATHER_MS);
}

function showTables() {
  if (!isLoaded) return;
  const newest = [...known.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
  const open = groups.together(newest.filter((order) => !words.isFinal(order)));
  const closed = newest.filter(words.isFinal).slice(0, HISTORY_MAX);
  for (const order of newest.slice(OPEN_MAX + HISTORY_MAX)) {
    if (words.isFinal(order)) known.delete(order.id);
  }
  if (editing && !open.some(({ id }) => id === editing)) editing = null;
  store.openOrders = open;
  store.latestOrders = newest;
  tell("lines");
  tables.show({ open, closed, editing, isMore });
  cancelling.show(open);
}

// --- Changing and cancelling one -----------------------------------------------------------------------

function change(id) {
  editing = id;
  showTables();
  const form = $("[data-rows=open] .change");
  form?.scrollIntoView({ block: "nearest" });
  $("input", form)?.focus({ preventScroll: true });
}

/** Open the editor of an order with another price, for somebody to send it or leave it. */
export function propose(id, field, price) {
  $("#tab-open").click();
  change(id);
  const input = $(`[data-rows=open] .change [name=${field}]`);
  if (!input) return; // it has ended meanwhile
  input.value = price;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  $("[data-rows=open] .change button").focus({ preventScroll: true });
}

function editor(order) {
  return changing.form(order, {
    leave,
    done(replacement) {
      take([replacement]);
      changed.add(order.id);
      leave();
      refresh();
      announce("Change requested.");
    },
  });
}

function leave() {
  const id = editing;
  editing = null;
  showTables();
  $(`[data-rows=open] tr[data-key="${id}"] [data-act=change]`)?.focus();
}

async function cancel(id, button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  button.textContent = "Cancelling…";
  try {
    await http.remove(`/api/v1/orders/${id}`);
    take([await read(id)]);
    announce("Cancel requested.");
    show();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    button.title = error.message;
    button.textContent = "Not cancelled, try again";
    announce(`Not cancelled. ${error.message}`);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
}
