// Joins the page's connections to the store: the only writer of what comes in live.

import { readJson } from "./dom.js";
import { follow } from "./prices.js";
import { connect } from "./socket.js";
import { store, tell } from "./store.js";

const start = readJson("account-now");
const WORST_FIRST = ["signed out", "offline", "waiting", "connecting", "live"];

let socket = null;
let prices = null; // from the first subscription on
let isByJson = false; // where the binary stream cannot be had
let book = null; // the symbol whose book is followed
const states = { account: "connecting", prices: "live" };
let told = null;

/** Open the page's connection. Pages without an account (an operator's) have none. */
export function begin() {
  if (!start) return;
  store.account = start.account;
  tell("account", store.account);
  socket = connect({
    since: start.sequence,
    handlers: {
      quotes: takeQuotes,
      books: takeBooks,
      portfolio: takePortfolio,
      activity: (events) => tell("activity", events),
      state: (state) => connectionIs({ account: state }),
    },
  });
}

export const subscribe = (symbols) => source()?.subscribe(symbols);
export const unsubscribe = (symbols) => source()?.unsubscribe(symbols);

/** Follow the book of `symbol`, and of no other any more. */
export function followBook(symbol) {
  if (book === symbol) return;
  if (book) source()?.leaveBook(book);
  book = symbol;
  source()?.followBook(symbol);
}

export function retry() {
  socket?.retry();
  prices?.retry();
}

/** Return where prices come from: the binary stream, or where that cannot be had the JSON socket. */
function source() {
  if (isByJson || !start) return socket;
  prices ??= follow({
    isServerThere: () => states.account === "live",
    handlers: {
      quotes: takeQuotes,
      books: takeBooks,
      state: (state) => connectionIs({ prices: state }),
      gaveUp: takeJson,
    },
  });
  return prices;
}

/** Let prices come as JSON text instead, until the page is loaded again. */
function takeJson(why) {
  console.info(`Prices come as JSON: ${why}.`);
  const { symbols, books } = prices;
  isByJson = true;
  prices = null;
  connectionIs({ prices: "live" }); // there is only the other connection now
  socket.subscribe([...symbols]);
  for (const symbol of books) socket.followBook(symbol);
}

/** What the page shows is as good as the worse of its connections. */
function connectionIs(news) {
  Object.assign(states, news);
  const worst = WORST_FIRST.find((state) => Object.values(states).includes(state));
  if (worst === told) return;
  store.connection = told = worst;
  tell("connection", worst);
}

function takeQuotes(quotes) {
  const receivedAt = Date.now();
  for (const quote of quotes) {
    quote.receivedAt = receivedAt;
    store.quotes.set(quote.symbol, quote);
  }
  tell("quotes", quotes);
}

function takeBooks(books) {
  for (const each of books) store.books.set(each.symbol, each);
  tell("books", books);
}

/**
 * Take what changed of the account's worth into the store: of a whole one (`since` null) all, of a
 * difference what it names. Rows that stay as they are keep their objects.
 */
function takePortfolio({ since, account, positions, closed }) {
  store.account = { ...store.account, ...account };
  const rows = new Map(since === null ? [] : store.positions.map((row) => [row.symbol, row]));
  for (const symbol of closed) rows.delete(symbol);
  for (const row of positions) rows.set(row.symbol, { ...rows.get(row.symbol), ...row });
  store.positions = [...rows.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  tell("account", store.account);
  tell("positions", store.positions);
}
