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

function takePortfolio({ type, positions, ...account }) {
  store.account = { ...store.account, ...account };
  store.positions = positions;
  tell("account", store.account);
  tell("positions", positions);
}
