// The reading side of our binary stream of prices: the reference in JavaScript, on its own and
// without a page. docs/binary-stream.md says what every byte means.
//
//   const decoder = new Decoder();
//   socket.binaryType = "arraybuffer";
//   socket.send(decoder.subscribe(["IBM", "BTC/USD"]));
//   socket.onmessage = ({ data }) => decoder.take(data).forEach(...);
//
// Prices and sizes are BigInts in billionths, turnover in billionths of billionths, times numbers
// of microseconds since 1970. Keep the decoder when the connection is lost: the same `subscribe`
// on the next one goes on from what it has. After a gap ask once more for that symbol. Books are
// asked for by subscribe(symbols, { areBooks: true }).

import { Malformed, Reader, writeText, writeUnsigned } from "./binary-bytes.js";
import {
  COUNT_MAX, DIGITS, Entry, NO_DEPTH, SIZE_MAX, TIME_MAX, copied, emptyPicture,
} from "./binary-entries.js";

export { Malformed };

const VERSION = 1;
const HELLO = 0;
const UPDATES = 1;
const HEARTBEAT = 2;
const REFUSED = 3;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 9;
const SUBSCRIBE_BOOKS = 10;

const STREAM_BYTES = 8;
const IDS_MAX = 4096;

/** More symbols than a connection has ids: begin with a new decoder. */
export class NoIdLeft extends Error {}

/** Follows one socket after the other. A frame is taken whole or, malformed, not at all. */
export class Decoder {
  constructor() {
    this.stream = new Uint8Array(STREAM_BYTES);
    this.instruments = new Map(); // id -> { symbol, units, sequence, picture, isBook, hasGap }
    this.numbers = new Map(); // symbol -> id of its prices
    this.books = new Map(); // symbol -> id of its book
  }

  /** Return the latest of `symbol`; null where nothing is known, or something was missed. */
  picture(symbol) {
    return this.known(this.numbers.get(symbol), symbol)?.picture ?? null;
  }

  /** Return the latest of the book of `symbol`; null as with `picture`. */
  book(symbol) {
    const picture = this.known(this.books.get(symbol), symbol)?.picture;
    return picture ? (picture.depth ?? NO_DEPTH) : null;
  }

  known(number, symbol) {
    const instrument = this.instruments.get(number);
    return instrument && !instrument.hasGap && instrument.symbol === symbol ? instrument : null;
  }

  /** Return the frame that asks for `symbols` from where we have them. Throws NoIdLeft. */
  subscribe(symbols, { areBooks = false } = {}) {
    const out = [(VERSION << 4) | (areBooks ? SUBSCRIBE_BOOKS : SUBSCRIBE), ...this.stream];
    for (const symbol of symbols) {
      const number = this.numberOf(symbol, areBooks ? this.books : this.numbers);
      writeUnsigned(out, number);
      writeText(out, symbol);
      writeUnsigned(out, this.known(number, symbol)?.sequence ?? 0);
    }
    return Uint8Array.from(out);
  }

  /** Return the frame that asks for no more of `symbols`. */
  unsubscribe(symbols, { areBooks = false } = {}) {
    const out = [(VERSION << 4) | UNSUBSCRIBE];
    const numbers = areBooks ? this.books : this.numbers;
    for (const symbol of symbols) {
      if (numbers.has(symbol)) writeUnsigned(out, numbers.get(symbol));
    }
    return Uint8Array.from(out);
  }

  numberOf(symbol, numbers) {
    if (!numbers.has(symbol)) {
      const count = this.numbers.size + this.books.size;
      if (count === IDS_MAX) throw new NoIdLeft(symbol);
      numbers.set(symbol, count);
    }
    return numbers.get(symbol);
  }

  /**
   * Return what a frame says: objects with a `type` of hello, heartbeat, refused, news or gap;
   * none for a frame of a kind that came later. Throws Malformed, with everything as it was.
   */
  take(frame) {
    const reader = new Reader(frame);
    const first = reader.byte();
    if (first >> 4 !== VERSION) {
      throw reader.malformed(`this is version ${first >> 4} of the stream, and not ${VERSION}`);
    }
    switch (first & 15) {
      case HELLO:
        return [this.hello(reader)];
      case UPDATES:
        return this.updates(reader);
      case HEARTBEAT:
        return [{ type: "heartbeat", at: reader.count(TIME_MAX, "a time") }];
      case REFUSED:
        return [{ type: "refused", code: reader.byte(), message: reader.text() }];
      default:
        return [];
    }
  }

  isBook(number) {
    return [...this.books.values()].includes(number);
  }

  hello(reader) {
    const stream = reader.slice(STREAM_BYTES).slice();
    const at = reader.count(TIME_MAX, "a time");
    const heartbeatSeconds = reader.byte();
    if (stream.some((byte, place) => byte !== this.stream[place])) {
      // Its numbers say nothing about what we have: until their snapshots all is unknown.
      for (const [number, instrument] of this.instruments) {
        this.instruments.set(number, { ...instrument, hasGap: true });
      }
    }
    this.stream = stream;
    return { type: "hello", stream, at, heartbeatSeconds };
  }

  updates(reader) {
    const changed = new Map();
    const events = [];
    while (!reader.isAtEnd) {
      const head = reader.count(2 * IDS_MAX - 1, "an id");
      const number = head >> 1;
      const before = changed.get(number) ?? this.instruments.get(number);
      if (!(head & 1) && !before) {
        reader.byte();
        skip(reader);
        continue;
      }
      const [event, instrument] =
        head & 1 ? snapshot(reader, this.isBook(number)) : difference(reader, number, before);
      changed.set(number, instrument);
      if (event) events.push(event);
    }
    for (const [number, instrument] of changed) this.instruments.set(number, instrument);
    return events;
  }
}

function skip(reader) {
  new Entry(reader, emptyPicture(), { price: 1n, size: 1n }, true).updates();
}

function snapshot(reader, isBook) {
  const sequence = reader.count(COUNT_MAX, "a sequence");
  if (!sequence) throw reader.malformed("a sequence is out of all bounds");
  const symbol = reader.text();
  const units = { price: unit(reader), size: unit(reader) };
  const picture = emptyPicture();
  const updates = new Entry(reader, picture, units).updates();
  const event = { type: "news", symbol, sequence, isSnapshot: true, updates, isOfBook: isBook };
  return [event, { symbol, units, sequence, picture, isBook, hasGap: false }];
}

/** Follow `before` by what is read; of one with a gap, only read past it. */
function difference(reader, number, before) {
  const { symbol, units, isBook } = before;
  const sequence = before.sequence + 1;
  const isNext = reader.byte() === sequence % 256;
  if (before.hasGap || !isNext) {
    skip(reader);
    const gap = { type: "gap", number, symbol, sequence: before.sequence, isOfBook: isBook };
    return [before.hasGap ? null : gap, { ...before, hasGap: true }];
  }
  const picture = copied(before.picture);
  const updates = new Entry(reader, picture, units).updates();
  const event = { type: "news", symbol, sequence, isSnapshot: false, updates, isOfBook: isBook };
  return [event, { ...before, sequence, picture }];
}

function unit(reader) {
  const digits = reader.byte();
  const number = reader.unsigned();
  const value = digits <= DIGITS ? number * 10n ** BigInt(DIGITS - digits) : 0n;
  if (value <= 0n || value > SIZE_MAX) throw reader.malformed("a unit is out of all bounds");
  return value;
}
