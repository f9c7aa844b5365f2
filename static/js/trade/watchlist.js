// The watchlist that is shown: live prices in a kept order, and the search that adds to it.

import { $, eachFrame, flash, keepRows, make, put, setDirection } from "../dom.js";
import * as http from "../http.js";
import { announce, offer } from "../keys.js";
import * as live from "../live.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { isStale, on, store } from "../store.js";
import * as reordering from "./reordering.js";
import * as watchlists from "./watchlists.js";

const FOUND_MAX = 12;

const list = $("#watch");
let symbols = [];
let choose = () => {};

/** Return a symbol as it stands in an address. */
export const partOf = (symbol) => symbol.split("/").map(encodeURIComponent).join("/");

export const addressOf = (symbol) => `/trade/${partOf(symbol)}`;

export function begin({ lists, select }) {
  choose = select;
  showSymbols(watchlists.begin({ known: lists, show: showSymbols }));
  const show = eachFrame(showRows);
  on("quotes", show);
  on("connection", show);
  on("symbol", show);
  list.addEventListener("click", onClick);
  list.addEventListener("keydown", onKey);
  reordering.begin(list, move);
  for (const [keys, by, words] of [["[", -1, "before"], ["]", 1, "after"]]) {
    offer({ keys, words: `The symbol ${words} this one in the watchlist`, run: () => step(by) });
  }
  beginSearch();
}

/** Show these, and hear of no others but the one that is open. */
function showSymbols(wanted) {
  const before = symbols;
  symbols = wanted.filter((symbol) => store.instruments.has(symbol));
  live.subscribe(symbols);
  live.unsubscribe(before.filter((each) => !symbols.includes(each) && each !== store.symbol));
  showRows();
}

function showRows() {
  keepRows(list, symbols, (symbol) => symbol, buildRow, fillRow);
  $("#watch-empty").hidden = symbols.length > 0;
}

function buildRow(symbol) {
  const instrument = store.instruments.get(symbol);
  return make(
    "li",
    { draggable: "true" },
    make(
      "a",
      { href: addressOf(symbol), title: instrument.name, draggable: "false" },
      make("span", { class: "watch__symbol" }, symbol),
      make("span", { class: "watch__last number live" }, money.NONE),
      make("span", { class: "watch__name" }, instrument.name),
      make("span", { class: "watch__change number live" }, money.NONE),
    ),
    make(
      "button",
      { type: "button", class: "watch__remove", "aria-label": `Stop watching ${symbol}`, title: "Stop watching", tabindex: "-1" },
      "×",
    ),
  );
}

const shownLast = new Map();

function fillRow(row, symbol) {
  const link = row.firstElementChild;
  const [, last, , change] = link.children;
  const quote = store.quotes.get(symbol);
  if (symbol === store.symbol) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  link.classList.toggle("is-stale", Boolean(quote) && isStale(quote));
  if (!quote) return;
  const now = money.parse(quote.last);
  const before = shownLast.get(symbol) ?? null;
  put(last, money.price(quote.last, steps.places(store.instruments.get(symbol), quote.last)));
  put(change, money.percent(quote.change_percent));
  setDirection(change, money.direction(quote.change));
  if (before !== null && now !== null && now !== before) flash(last, now > before ? "up" : "down");
  shownLast.set(symbol, now);
}

function onClick(event) {
  const row = event.target.closest("li");
  if (!row) return;
  if (event.target.closest(".watch__remove")) {
    watch(symbols.filter((symbol) => symbol !== row.dataset.key));
  } else if (event.target.closest("a") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    choose(row.dataset.key);
  }
}

/** Go to the symbol so many places further; from one that is not watched to the first or last. */
function step(by) {
  if (!symbols.length) return;
  const from = symbols.indexOf(store.symbol);
  const to = from < 0 ? Math.min(by, 0) : from + by;
  choose(symbols.at(to % symbols.length));
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

/** Move a symbol by so many places. */
function move(symbol, by) {
  const from = symbols.indexOf(symbol);
  const to = Math.min(Math.max(from + by, 0), symbols.length - 1);
  if (to === from) return;
  watch(symbols.toSpliced(from, 1).toSpliced(to, 0, symbol));
  announce(`${symbol} is number ${to + 1} of ${symbols.length}.`);
}

function onKey(event) {
  if (event.altKey) return; // reordering.js
  const row = event.target.closest("li");
  const to = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
  if (to) {
    event.preventDefault();
    $("a", to).focus();
  } else if (event.key === "Delete" && row) {
    event.preventDefault();
    watch(symbols.filter((symbol) => symbol !== row.dataset.key));
    announce(`${row.dataset.key} is no longer watched.`);
  }
}

async function watch(wanted) {
  const before = symbols;
  showSymbols(wanted);
  try {
    await watchlists.keep(wanted);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    showSymbols(before);
    announce(`The watchlist was not kept: ${error.message}`);
  }
}

// --- Search --------------------------------------------------------------------------------------

/** Return the instruments that `text` may mean: symbols that begin with it first, then names. */
export function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const rank = ({ symbol, name }) => {
    if (symbol.toLowerCase().startsWith(wanted)) return 0;
    if (name.toLowerCase().startsWith(wanted)) return 1;
    return name.toLowerCase().includes(wanted) || symbol.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return [...store.instruments.values()]
    .map((instrument) => [rank(instrument), instrument])
    .filter(([place]) => place < 3)
    .sort(([a, x], [b, y]) => a - b || x.symbol.localeCompare(y.symbol))
    .slice(0, FOUND_MAX)
    .map(([, instrument]) => instrument);
}

function beginSearch() {
  const input = $("#search");
  const found = $("#search-list");
  let entries = [];
  let chosen = 0;

  function show() {
    entries = find(input.value);
    chosen = 0;
    const isOpen = input.value.trim() !== "";
    found.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    found.replaceChildren(...entries.map(entry));
    if (isOpen && !entries.length) {
      found.append(make("li", { class: "quiet" }, `Nothing here is called “${input.value.trim()}”.`));
    }
    mark();
  }

  function entry({ symbol, name }, index) {
    const isWatched = symbols.includes(symbol);
    return make(
      "li",
      { role: "option", id: `search-${index}`, onclick: () => open(symbol) },
      make("strong", {}, symbol),
      make("span", {}, name),
      make(
        "button",
        {
          type: "button", class: "link", tabindex: "-1",
          "aria-label": `${isWatched ? "Stop watching" : "Watch"} ${symbol}`,
          onclick: (event) => {
            event.stopPropagation();
            watch(isWatched ? symbols.filter((each) => each !== symbol) : [...symbols, symbol]);
            input.focus();
            show();
          },
        },
        isWatched ? "Remove" : "Watch",
      ),
    );
  }

  function mark() {
    [...found.children].forEach((item, index) =>
      item.setAttribute("aria-selected", String(index === chosen)),
    );
    if (entries.length) input.setAttribute("aria-activedescendant", `search-${chosen}`);
    else input.removeAttribute("aria-activedescendant");
    found.children[chosen]?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    input.value = "";
    show();
  }

  function open(symbol) {
    close();
    input.blur();
    choose(symbol);
  }

  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && entries.length) {
      event.preventDefault();
      chosen = (chosen + step + entries.length) % entries.length;
      mark();
    } else if (event.key === "Enter" && entries[chosen]) {
      event.preventDefault();
      open(entries[chosen].symbol);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
      input.blur();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search") && input.value) close();
  });
  offer({
    find: (text) =>
      find(text).map(({ symbol, name }) => ({
        words: `${symbol}  ${name}`,
        run: () => choose(symbol),
      })),
  });
}
