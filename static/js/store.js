// What the page knows, in one place. Views read it and listen to it; only `live.js` and the
// views' own loading write to it.

const listeners = new Map();

export const store = {
  account: null, // as /api/v1/account answers; money as decimal strings
  positions: null, // null while loading, else rows as /api/v1/positions answers
  quotes: new Map(), // symbol -> quote, with `receivedAt` of this browser's clock
  books: new Map(), // symbol -> { symbol, at, bids, asks }: levels of price and size, best first
  instruments: new Map(), // symbol -> what the ticket must know
  connection: "connecting",
  symbol: null,
};

export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
}

export function tell(topic, detail) {
  for (const listener of listeners.get(topic) ?? []) listener(detail);
}

/** A price is old when its market says so, or when we have lost our connection to it. */
export function isStale(quote) {
  return !quote || quote.stale || store.connection !== "live";
}
