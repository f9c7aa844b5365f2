// Joins the socket to the store: the only writer of what comes in live.

import { readJson } from "./dom.js";
import { connect } from "./socket.js";
import { store, tell } from "./store.js";

const start = readJson("account-now");

let socket = null;

/** Open the page's connection. Pages without an account (an operator's) have none. */
export function begin() {
  if (!start) return;
  store.account = start.account;
  tell("account", store.account);
  socket = connect({
    since: start.sequence,
    handlers: {
      quotes: takeQuotes,
      portfolio: takePortfolio,
      activity: (events) => tell("activity", events),
      state(state) {
        store.connection = state;
        tell("connection", state);
      },
    },
  });
}

export const subscribe = (symbols) => socket?.subscribe(symbols);
export const unsubscribe = (symbols) => socket?.unsubscribe(symbols);
export const retry = () => socket?.retry();

function takeQuotes(quotes) {
  const receivedAt = Date.now();
  for (const quote of quotes) {
    quote.receivedAt = receivedAt;
    store.quotes.set(quote.symbol, quote);
  }
  tell("quotes", quotes);
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
