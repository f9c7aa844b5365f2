// The chosen symbol's price in the chart's head, and its quote panel.

import { $, $$, eachFrame, flash, put, setDirection } from "../dom.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { isStale, on, store } from "../store.js";
import * as time from "../time.js";

const AGE_AFTER_MS = 3_000;

const cells = Object.fromEntries(
  $$("[data-quote]").map((element) => [element.dataset.quote, element]),
);
let shown = {};

export function begin({ pick }) {
  const show = eachFrame(showQuote);
  on("quotes", (quotes) => quotes.some(({ symbol }) => symbol === store.symbol) && show());
  on("connection", show);
  on("symbol", () => {
    shown = {};
    showQuote();
  });
  setInterval(showAge, 1000);
  for (const button of $$("[data-pick]")) {
    button.addEventListener("click", () => {
      const price = store.quotes.get(store.symbol)?.[button.dataset.pick];
      if (price) pick(price);
    });
  }
}

function showQuote() {
  const instrument = store.instruments.get(store.symbol);
  const quote = store.quotes.get(store.symbol);
  put($("[data-instrument=symbol]"), instrument.symbol);
  put($("[data-instrument=name]"), instrument.name);
  const digits = steps.places(instrument, quote?.last ?? quote?.bid);
  const at = (value) => money.price(value, digits);

  for (const name of ["last", "bid", "ask"]) {
    const now = money.parse(quote?.[name]);
    const before = shown[name] ?? null;
    put(cells[name], at(quote?.[name]));
    if (now !== null && before !== null && now !== before) {
      flash(cells[name], now > before ? "up" : "down");
    }
    shown[name] = now;
  }
  const bidSize = money.parse(quote?.bid_size) ? quote.bid_size : null;
  const askSize = money.parse(quote?.ask_size) ? quote.ask_size : null;
  put(cells.bid_size, money.quantity(bidSize));
  put(cells.ask_size, money.quantity(askSize));
  put(cells.change, `${money.signedPrice(quote?.change, digits)} (${money.percent(quote?.change_percent)})`);
  setDirection(cells.change, money.direction(quote?.change));
  put(cells.spread, spread(quote, digits));
  put(cells.last_trade, quote?.last ? `${money.quantity(quote.last_size)} at ${at(quote.last)}` : money.NONE);
  put(cells.day_volume, money.quantity(quote?.day_volume));
  put(cells.day_low, at(quote?.day_low));
  put(cells.day_high, at(quote?.day_high));
  showRange(quote, at);
  showAge();
}

function spread(quote, digits) {
  const bid = money.parse(quote?.bid);
  const ask = money.parse(quote?.ask);
  if (bid === null || ask === null) return money.NONE;
  const wide = ask - bid;
  const percent = money.text((wide * 200_000_000_000n) / (ask + bid));
  return `${money.price(money.text(wide), digits)} (${money.percent(percent).replace("+", "")})`;
}

function showRange(quote, at) {
  const [low, last, high] = [quote?.day_low, quote?.last, quote?.day_high].map(Number);
  const isKnown = quote?.day_low && quote?.last && high > low;
  cells.range_mark.hidden = !isKnown;
  if (!isKnown) return;
  cells.range_mark.style.left = `${Math.min(100, Math.max(0, ((last - low) / (high - low)) * 100))}%`;
  cells.range.setAttribute(
    "aria-label",
    `Day range from ${at(quote.day_low)} to ${at(quote.day_high)}, last ${at(quote.last)}`,
  );
}

/** Say how old a price is as soon as that matters. */
function showAge() {
  const quote = store.quotes.get(store.symbol);
  const stale = Boolean(quote) && isStale(quote);
  const age = quote ? Math.max(Date.now() - Date.parse(quote.at), 0) : 0;
  put(cells.age, quote && age > AGE_AFTER_MS ? `${time.age(age)} old` : "");
  cells.age.title = quote ? time.full(quote.at) : "";
  put(cells.note, stale ? `${time.age(age)} old` : "");
  cells.note.title = stale ? `The last price that came is of ${time.full(quote.at)}.` : "";
  for (const element of [$(".quote__body"), $(".instrument")]) {
    element.classList.toggle("is-stale", stale);
  }
}
