// Prices over the binary stream (docs/binary-stream.md): reconnects by itself, goes on from what it
// has, and gives up where the stream cannot be had.

import { Decoder, Malformed } from "./binary.js";
import { keepOpen } from "./connection.js";
import { text } from "./money.js";

const MISSED_HEARTBEATS_MAX = 3;
const VAIN_MAX = 3; // connections in a row that ended before the server said hello
const MALFORMED_MAX = 2; // frames that we could not read
const DAY = 1;
const DAY_BEFORE = 2;

/**
 * Keep a socket to /ws/v1/binary open.
 *
 * `handlers` are called with quotes (an array of quotes as the JSON socket has them), books (an
 * array of books) and state (as that of connection.js, and "live"). `isServerThere` tells whether
 * the server is reached otherwise; when it is and this stream is not, or what comes cannot be read,
 * `gaveUp` is called with the reason, and that was the end.
 */
export function follow({ handlers, isServerThere }) {
  let decoder = new Decoder();
  let vain = 0;
  let malformed = 0;
  let isLive = false;
  const symbols = new Set();
  const books = new Set();

  const connection = keepOpen({
    address: () => "/ws/v1/binary",
    received,
    lost() {
      isLive = false;
      vain += isServerThere() ? 1 : 0;
      const why =
        malformed >= MALFORMED_MAX
          ? "the frames are not readable here"
          : vain >= VAIN_MAX && "the binary stream cannot be reached";
      if (!why) return true;
      handlers.gaveUp(why);
      return false;
    },
    state: handlers.state,
  });

  function received(frame) {
    try {
      take(decoder.take(frame));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      malformed += 1;
      decoder = new Decoder();
      connection.drop();
    }
  }

  function take(events) {
    const quotes = [];
    const depths = [];
    for (const event of events) {
      if (event.type === "hello") begin(event);
      else if (event.type === "gap") ask([event.symbol], { areBooks: event.isOfBook });
      else if (event.type === "news" && event.isOfBook) depths.push(bookOf(event.symbol, decoder));
      else if (event.type === "news") quotes.push(quoteOf(event, decoder.picture(event.symbol)));
    }
    if (quotes.length) handlers.quotes(quotes);
    if (depths.length) handlers.books(depths);
  }

  function begin({ heartbeatSeconds }) {
    vain = 0;
    isLive = true;
    connection.settle();
    connection.expect(MISSED_HEARTBEATS_MAX * heartbeatSeconds * 1000);
    handlers.state("live");
    ask([...symbols]);
    ask([...books], { areBooks: true });
  }

  function ask(names, options) {
    if (isLive && names.length) connection.send(decoder.subscribe(names, options));
  }

  return {
    symbols,
    books,
    subscribe(names) {
      const added = names.filter((name) => !symbols.has(name));
      for (const name of added) symbols.add(name);
      ask(added);
    },
    unsubscribe(names) {
      const gone = names.filter((name) => symbols.delete(name));
      if (isLive && gone.length) connection.send(decoder.unsubscribe(gone));
    },
    followBook(symbol) {
      if (books.has(symbol)) return;
      books.add(symbol);
      ask([symbol], { areBooks: true });
    },
    leaveBook(symbol) {
      if (!books.delete(symbol) || !isLive) return;
      connection.send(decoder.unsubscribe([symbol], { areBooks: true }));
    },
    retry: connection.retry,
  };
}

const price = (value) => (value ? text(value) : null);

function quoteOf({ symbol, sequence }, { status, quote, trade, bars }) {
  const day = bars.get(DAY);
  const close = bars.get(DAY_BEFORE)?.close;
  const change = trade?.price && close ? trade.price - close : null;
  return {
    symbol,
    bid: price(quote?.bid),
    bid_size: text(quote?.bidSize ?? 0n),
    ask: price(quote?.ask),
    ask_size: text(quote?.askSize ?? 0n),
    last: price(trade?.price),
    last_size: text(trade?.size ?? 0n),
    change: change === null ? null : text(change),
    change_percent: change === null ? null : percent(change, close),
    day_high: price(day?.high),
    day_low: price(day?.low),
    day_volume: text(day?.volume ?? 0n),
    at: moment(quote?.at ?? 0),
    sequence,
    stale: Boolean(status?.isStale),
    source: status?.source ?? "",
  };
}

function bookOf(symbol, decoder) {
  const { at, bids, asks } = decoder.book(symbol);
  const side = (levels) => levels.map((level) => ({ price: text(level.price), size: text(level.size) }));
  return { symbol, at: moment(at), bids: side(bids), asks: side(asks) };
}

/** Return what part of `whole` that is, in percent to two digits, a half to the even one. */
function percent(part, whole) {
  const scaled = part * 10_000n;
  const magnitude = scaled < 0n ? -scaled : scaled;
  const [cut, twice] = [magnitude / whole, (magnitude % whole) * 2n];
  const up = twice > whole || (twice === whole && cut % 2n === 1n);
  return text((scaled < 0n ? -1n : 1n) * (up ? cut + 1n : cut) * 10_000_000n);
}

function moment(microseconds) {
  const milliseconds = Math.floor(microseconds / 1000);
  const rest = String(microseconds - milliseconds * 1000).padStart(3, "0");
  return new Date(milliseconds).toISOString().replace("Z", `${rest}Z`);
}
