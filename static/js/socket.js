// The page's own connection: what happens in the account, and what it is worth. It reconnects by
// itself, and never loses or repeats an event. Prices come here only where `prices.js` cannot.

import { keepOpen } from "./connection.js";

const SYMBOLS_MAX = 500;

/**
 * Keep a socket to /ws/v1 open.
 *
 * `since` is the last account event that the page knows already. `handlers` are called with
 * activity (an array of events, each exactly once, in order), portfolio (what changed of the
 * account's worth since the last of them, or all of it where `since` is null), quotes and books
 * (arrays, where they are subscribed to here) and state ("connecting", "live", "waiting",
 * "offline", "signed out").
 */
export function connect({ since, handlers }) {
  let lastSequence = since;
  let seen = null; // how far we have come with the account's worth: { stream, sequence }
  const symbols = new Set();
  const depth = new Map(); // symbol -> the book as far as we have it, or null

  const connection = keepOpen({
    address: () => (seen ? `/ws/v1?portfolio=${seen.stream}:${seen.sequence}` : "/ws/v1"),
    opened() {
      if (symbols.size) say({ action: "subscribe", symbols: [...symbols] });
      if (depth.size) say({ action: "subscribe", depth: [...depth.keys()] });
    },
    received: (text) => receive(JSON.parse(text)),
    state: handlers.state,
  });

  const say = (message) => connection.send(JSON.stringify(message));

  function receive(message) {
    switch (message.type) {
      case "hello":
        connection.settle();
        handlers.state("live");
        // Ask for everything after what we know, even if that is nothing: an event may have
        // happened between the making of the page and this moment.
        if (lastSequence === null) lastSequence = message.sequence;
        say({ action: "resume", since: lastSequence });
        break;
      case "quotes":
        handlers.quotes(message.quotes);
        break;
      case "depth":
        takeBooks(message.books);
        break;
      case "activity":
        take(message.events);
        break;
      case "portfolio":
        takeWorth(message);
        break;
    }
  }

  function take(events) {
    const news = [];
    for (const event of events) {
      if (event.sequence <= lastSequence) continue; // sent again after a resume
      if (event.sequence > lastSequence + 1) {
        say({ action: "resume", since: lastSequence }); // a hole: ask for it, take nothing past it
        break;
      }
      lastSequence = event.sequence;
      news.push(event);
    }
    if (news.length) handlers.activity(news);
  }

  /** A difference follows what we have seen, or something before it; else we ask from there. */
  function takeWorth(message) {
    const { stream, since: after, sequence } = message;
    const isOurs = seen?.stream === stream;
    if (after !== null && !(isOurs && after <= seen.sequence)) {
      say({ action: "portfolio", ...(seen && { stream: seen.stream, since: seen.sequence }) });
      return;
    }
    if (isOurs && after !== null && sequence <= seen.sequence) return; // sent again after a question
    seen = { stream, sequence };
    handlers.portfolio(message);
  }

  /** A difference follows what we have; where it does not, we ask for all of it again. */
  function takeBooks(books) {
    const news = [];
    for (const { symbol, since: after, sequence, at, bids, asks } of books) {
      if (!depth.has(symbol)) continue;
      const before = depth.get(symbol);
      if (after !== null && after !== before?.sequence) {
        say({ action: "subscribe", depth: [symbol] });
        continue;
      }
      const [was, is] = [after === null ? null : before, { symbol, sequence, at }];
      is.bids = levels(was?.bids, bids, -1);
      is.asks = levels(was?.asks, asks, 1);
      depth.set(symbol, is);
      news.push(is);
    }
    if (news.length) handlers.books(news);
  }

  return {
    subscribe(names) {
      const added = names.filter((name) => !symbols.has(name)).slice(0, SYMBOLS_MAX - symbols.size);
      for (const name of added) symbols.add(name);
      if (added.length) say({ action: "subscribe", symbols: added });
    },
    unsubscribe(names) {
      const gone = names.filter((name) => symbols.delete(name));
      if (gone.length) say({ action: "unsubscribe", symbols: gone });
    },
    followBook(symbol) {
      depth.set(symbol, null);
      say({ action: "subscribe", depth: [symbol] });
    },
    leaveBook(symbol) {
      if (depth.delete(symbol)) say({ action: "unsubscribe", depth: [symbol] });
    },
    retry: connection.retry,
  };
}

/** Return a side of a book after changes: [price, size], where a size of 0 ends the level. */
function levels(before = [], changes, sign) {
  const sizes = new Map(before.map(({ price, size }) => [price, size]));
  for (const [price, size] of changes) {
    if (size === "0") sizes.delete(price);
    else sizes.set(price, size);
  }
  return [...sizes]
    .map(([price, size]) => ({ price, size }))
    .sort((one, other) => sign * (Number(one.price) - Number(other.price)));
}
