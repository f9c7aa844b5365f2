// Time and sales: the chosen symbol's newest trades, in the place of the book for who wants them.

import * as choice from "../choice.js";
import { $, keepRows, kept, make, put } from "../dom.js";
import * as http from "../http.js";
import { offer } from "../keys.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { on, store } from "../store.js";
import * as time from "../time.js";
import { partOf } from "./watchlist.js";

const VIEWS = [
  { name: "book", label: "Book", title: "The best five bids and offers" },
  { name: "trades", label: "Trades", title: "Time and sales: what was traded, the newest first" },
];
const SHOWN = 40;
const EVERY_MS = 1000; // what was traded is asked for again at most this often

const tape = $("#tape");
const rows = $("[data-rows=tape]");
const empty = $("[data-empty=tape]");

let view = VIEWS.find(({ name }) => name === kept.read("beside", "book")) ?? VIEWS[0];
let known = { symbol: null, volume: null }; // how much had been traded when they were read
let isReading = false;

export function begin() {
  const press = choice.begin($("#beside"), VIEWS, { chosen: view, pick });
  for (const each of VIEWS) offer({ words: `Show the ${each.name}`, run: () => press(each) });
  on("symbol", () => {
    rows.replaceChildren();
    put(empty, "Loading trades…");
    empty.hidden = false;
    renew();
  });
  setInterval(renew, EVERY_MS);
  show();
}

function pick(chosen) {
  view = chosen;
  kept.write("beside", chosen.name);
  show();
  renew();
}

function show() {
  tape.hidden = view.name !== "trades";
  $("#ladder").hidden = view.name !== "book";
}

/** Read the newest trades, if somebody looks at them and there was one since. */
async function renew() {
  if (tape.hidden || document.hidden || isReading) return;
  const { symbol } = store;
  const volume = store.quotes.get(symbol)?.day_volume ?? null;
  if (known.symbol === symbol && known.volume === volume) return;
  isReading = true;
  try {
    const { trades } = await http.get(`/api/v1/instruments/${partOf(symbol)}/trades`, { limit: SHOWN });
    if (symbol !== store.symbol) return;
    known = { symbol, volume };
    fill(trades);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    if (!rows.children.length) put(empty, `The trades could not be read. ${error.message}`);
  } finally {
    isReading = false;
  }
}

function fill(trades) {
  const digits = steps.places(store.instruments.get(store.symbol), trades[0]?.price);
  const ways = waysOf(trades);
  keepRows(rows, trades, ({ number }) => number, build, (row, trade) => {
    const [, price, size] = row.children;
    const way = ways.get(trade.number);
    put(price, `${{ up: "\u25b2 ", down: "\u25bc " }[way] ?? ""}${money.price(trade.price, digits)}`);
    price.className = `number ${way}`;
    put(size, money.quantity(trade.size));
    row.title = trade.sets_last ? "" : "Counts as volume, and is no price: the rules of the tape keep it out.";
    row.classList.toggle("faint", !trade.sets_last);
  });
  empty.hidden = trades.length > 0;
  if (!trades.length) put(empty, "Nothing was traded today yet.");
}

/** Return which way each trade moved the price: against the last other price before it. */
function waysOf(trades) {
  let [way, before] = ["", null];
  const ways = new Map();
  for (const { number, price: told } of trades.toReversed()) {
    const price = money.parse(told);
    if (before !== null && price !== before) way = price > before ? "up" : "down";
    before = price;
    ways.set(number, way);
  }
  return ways;
}

function build({ at }) {
  const when = make("time");
  time.show(when, at, time.clock);
  return make("tr", {}, make("td", { class: "faint" }, when), make("td", { class: "number" }), make("td", { class: "number" }));
}
