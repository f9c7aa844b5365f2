// The positions table, moving with the market.

import { $, cell, eachFrame, flash, hide, keepRows, make, put } from "../dom.js";
import * as gains from "../gains.js";
import * as http from "../http.js";
import * as live from "../live.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { on, store, tell } from "../store.js";
import { isNarrow } from "./layout.js";
import { addressOf } from "./watchlist.js";

const rows = $("[data-rows=positions]");
const empty = $("[data-empty=positions]");
const shown = new Map();

/** `close` and `protect` are called with the position that the ticket shall be filled in for. */
export function begin({ select, close, protect }) {
  on("positions", eachFrame(showRows));
  on("positions", () => tell("lines"));
  rows.addEventListener("click", (event) => {
    const symbol = event.target.closest("tr")?.dataset.key;
    const button = event.target.closest("[data-act]");
    if (button) {
      const position = store.positions.find((each) => each.symbol === symbol);
      if (position) (button.dataset.act === "close" ? close : protect)(position);
    } else if (event.target.closest("a") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      select(symbol);
    }
  });
  on("connection", (state) => state === "live" && !store.positions && load());
  load();
}

async function load() {
  try {
    const found = await http.get("/api/v1/positions");
    // The socket may have brought newer ones already, before anybody here listened.
    store.positions ??= found;
    tell("positions", store.positions);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put(empty, `The positions could not be loaded. ${error.message}`);
  }
}

/** Say what leads to a first position: money, or an order. */
function howToBegin() {
  if (money.parse(store.account.buying_power) === 0n) {
    return ["There is no money to buy with. ", make("a", { href: "/account#money-title" }, "Deposit some"), ", then choose a symbol."];
  }
  if (isNarrow()) return ["Choose a symbol under Watch, press Trade, say how many, and review."];
  return ["Choose a symbol in the watchlist, press ", make("kbd", {}, "b"), ", say how many, and review."];
}

function showRows() {
  const positions = store.positions;
  if (!positions) return;
  keepRows(rows, positions, ({ symbol }) => symbol, build, fill);
  put($("[data-count=positions]"), positions.length ? String(positions.length) : "");
  rows.closest("table").hidden = positions.length === 0;
  empty.hidden = positions.length > 0;
  if (!positions.length) {
    empty.replaceChildren(
      make("p", {}, "You hold nothing yet."),
      make("p", { class: "faint" }, ...howToBegin()),
    );
  }
  live.subscribe(positions.map(({ symbol }) => symbol));
}

function build({ symbol }) {
  return make(
    "tr",
    {},
    cell("symbol", {}, make("a", { href: addressOf(symbol) }, symbol), make("span", { class: "tag short", hidden: true }, "Short")),
    ...["quantity", "average", "price", "value"].map((name) => cell(name, { class: "number live" })),
    gains.build("day"),
    gains.build("open"),
    cell(
      "acts",
      { class: "number acts" },
      make("button", { type: "button", class: "link", dataset: { act: "protect" }, "aria-label": `Protect the position in ${symbol}`, title: "Protect this position: a take-profit and a stop-loss, of which one cancels the other" }, "Protect…"),
      make("button", { type: "button", class: "link", dataset: { act: "close" }, "aria-label": `Close the position in ${symbol}`, title: "Fill the ticket in to sell all of it, or to buy back what is short" }, "Close…"),
    ),
  );
}

function fill(row, position) {
  const { symbol } = position;
  const digits = steps.places(store.instruments.get(symbol), position.current_price);
  const [name, quantity, average, price, value, day, open] = row.children;
  name.lastElementChild.hidden = position.side !== "short";
  put(quantity, money.quantity(position.qty));
  put(average, money.price(position.avg_entry_price, digits));
  put(price, money.price(position.current_price, digits));
  put(value, money.money(position.market_value));
  gains.show(day, position.unrealized_intraday_pl, position.unrealized_intraday_plpc);
  gains.show(open, position.unrealized_pl, position.unrealized_plpc);
  hide(row.lastElementChild.firstElementChild, money.parse(position.qty_available) === 0n, $("a", row));
  const now = money.parse(position.current_price);
  const before = shown.get(symbol) ?? null;
  if (now !== null && before !== null && now !== before) flash(price, now > before ? "up" : "down");
  shown.set(symbol, now);
}
