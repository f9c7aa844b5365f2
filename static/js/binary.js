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

const VERSION = 1;
const HELLO = 0;
const UPDATES = 1;
const HEARTBEAT = 2;
const REFUSED = 3;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 9;
const SUBSCRIBE_BOOKS = 10;

const VARINT_BYTES_MAX = 24;
const TEXT_BYTES_MAX = 255;
const STREAM_BYTES = 8;
const IDS_MAX = 4096;
const LEVELS_MAX = 5;
const IN_UNITS = 15;
const DIGITS = 9;

const PRICE_MAX = 10n ** 20n - 1n;
const SIZE_MAX = 10n ** 28n - 1n;
const TURNOVER_MAX = 10n ** 48n - 1n;
const COUNT_MAX = 2 ** 53 - 1;
const SECONDS_MAX = 253_402_300_799;
const TIME_MAX = COUNT_MAX; // in the year 2255
const TRADE_NUMBERS = 10n ** 15n;

const NO_QUOTE = { kind: "quote", at: 0, bid: 0n, bidSize: 0n, ask: 0n, askSize: 0n };
const NO_TRADE = {
  kind: "trade", at: 0, price: 0n, size: 0n, tradeId: "", venue: "", conditions: "", setsLast: true,
};
const NO_DEPTH = { kind: "depth", at: 0, bids: [], asks: [] };
const NO_LEVEL = { price: 0n, size: 0n };

/** These bytes are no frame of this stream; nothing of them has been taken. */
export class Malformed extends Error {}

/** More symbols than a connection has ids: begin with a new decoder. */
export class NoIdLeft extends Error {}

// --- Bytes ---------------------------------------------------------------------------------------

class Reader {
  constructor(frame) {
    this.bytes = new Uint8Array(frame);
    this.place = 0;
  }

  get isAtEnd() {
    return this.place >= this.bytes.length;
  }

  malformed(reason) {
    return new Malformed(`${reason} (before byte ${this.place} of ${this.bytes.length})`);
  }

  byte() {
    if (this.isAtEnd) throw this.malformed("the frame ends too early");
    return this.bytes[this.place++];
  }

  slice(count) {
    const end = this.place + count;
    if (end > this.bytes.length) throw this.malformed("the frame ends too early");
    const found = this.bytes.subarray(this.place, end);
    this.place = end;
    return found;
  }

  /** Read a number of any size that the stream allows, as a BigInt. */
  unsigned() {
    let low = 0; // 49 bits at most: a double holds them exactly
    for (let count = 0; count < 7; count += 1) {
      const byte = this.byte();
      low += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let count = 7; count < VARINT_BYTES_MAX; count += 1) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 0x80) return value;
    }
    throw this.malformed(`a number is longer than ${VARINT_BYTES_MAX} bytes`);
  }

  signed() {
    return unzigzag(this.unsigned());
  }

  /** Read a number up to `most`, which a double holds exactly. */
  count(most, name) {
    const value = this.unsigned();
    if (value > BigInt(most)) throw this.malformed(`${name} is out of all bounds`);
    return Number(value);
  }

  text() {
    const length = this.unsigned();
    if (length > TEXT_BYTES_MAX) throw this.malformed(`a text is longer than ${TEXT_BYTES_MAX} bytes`);
    const bytes = this.slice(Number(length));
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.malformed("a text is not UTF-8");
    }
  }
}

const unzigzag = (value) => (value & 1n ? ~(value >> 1n) : value >> 1n);

function writeUnsigned(out, number) {
  let rest = number;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function writeText(out, text) {
  const bytes = new TextEncoder().encode(text);
  writeUnsigned(out, bytes.length);
  out.push(...bytes);
}

// --- Pictures ------------------------------------------------------------------------------------

function emptyPicture() {
  return { status: null, quote: null, trade: null, depth: null, bars: new Map(), time: 0 };
}

const copied = (picture) => ({ ...picture, bars: new Map(picture.bars) });

function put(picture, update) {
  if (update.kind === "bar") picture.bars.set(update.span, update);
  else picture[update.kind] = update;
  if (update.at === undefined) return;
  const { quote, trade, depth } = picture;
  picture.time = Math.max(quote?.at ?? 0, trade?.at ?? 0, depth?.at ?? 0);
}

/** Return the trade id that comes `steps` after `before`; null when that is none. */
function nextTradeId(before, steps) {
  const [, rest, digits] = /^([^]*?)((?:0|[1-9][0-9]{0,14})?)$/.exec(before);
  if (!digits) return steps === 1n ? before : null;
  const number = BigInt(digits) + steps;
  return number >= 0n && number < TRADE_NUMBERS ? `${rest}${number}` : null;
}

// --- Entries -------------------------------------------------------------------------------------

/** Reads the updates of one instrument. Blind, it only reads past them and judges no value. */
class Entry {
  constructor(reader, picture, units, isBlind = false) {
    this.reader = reader;
    this.picture = picture;
    this.units = units;
    this.isBlind = isBlind;
  }

  updates() {
    const updates = [];
    let hasMore = true;
    while (hasMore) {
      const first = this.reader.byte();
      hasMore = first >= 0x80;
      const update = this.update((first >> 4) & 7, first & 15);
      if (update) {
        put(this.picture, update);
        updates.push(update);
      }
    }
    return updates;
  }

  update(kind, flags) {
    switch (kind) {
      case 0:
      case 1:
        this.scale(kind === 1);
        return this.quote(flags);
      case 2:
      case 3:
        this.scale(kind === 3);
        return this.trade(flags);
      case 4:
        this.scale(true);
        return this.bar(flags);
      case 5:
        this.scale(true);
        return this.depth(flags);
      case 6:
        return this.status(flags);
      default:
        // Of a later version: its length, and what we pass over.
        this.reader.slice(this.reader.count(COUNT_MAX, "a length"));
        return null;
    }
  }

  quote(flags) {
    const before = this.picture.quote ?? NO_QUOTE;
    return {
      kind: "quote",
      at: this.time(),
      bid: this.moved(before.bid, this.price, PRICE_MAX, flags & 1),
      bidSize: this.moved(before.bidSize, this.size, SIZE_MAX, flags & 2),
      ask: this.moved(before.ask, this.price, PRICE_MAX, flags & 4),
      askSize: this.moved(before.askSize, this.size, SIZE_MAX, flags & 8),
    };
  }

  trade(flags) {
    const before = this.picture.trade ?? NO_TRADE;
    const at = this.time();
    const price = this.moved(before.price, this.price, PRICE_MAX, flags & 1);
    const size = this.within(this.reader.unsigned() * this.size, SIZE_MAX);
    const tradeId = this.tradeId(before.tradeId, flags & 2);
    const hasMarks = flags & 4;
    const venue = hasMarks ? this.reader.text() : before.venue;
    const conditions = hasMarks ? this.reader.text() : before.conditions;
    return { kind: "trade", at, price, size, tradeId, venue, conditions, setsLast: !(flags & 8) };
  }

  tradeId(before, isSaid) {
    const steps = isSaid ? this.reader.signed() : 1n;
    if (steps === 0n) return this.reader.text();
    const after = nextTradeId(before, steps);
    if (after !== null) return after;
    if (this.isBlind) return "";
    throw this.reader.malformed("a trade's id follows none that has a number");
  }

  bar(span) {
    const before = this.picture.bars.get(span) ?? {
      start: 0, open: 0n, high: 0n, low: 0n, close: 0n, volume: 0n, trades: 0, turnover: 0n,
    };
    const flags = this.reader.byte();
    const priceOf = (name, flag) => this.moved(before[name], this.price, PRICE_MAX, flags & flag);
    return {
      kind: "bar",
      span,
      start: this.counted(before.start, SECONDS_MAX, flags & 1),
      open: priceOf("open", 2),
      high: priceOf("high", 4),
      low: priceOf("low", 8),
      close: priceOf("close", 16),
      volume: this.moved(before.volume, this.size, SIZE_MAX, flags & 32),
      trades: this.counted(before.trades, COUNT_MAX, flags & 64),
      turnover: this.moved(before.turnover, this.price * this.size, TURNOVER_MAX, flags & 128),
    };
  }

  depth(flags) {
    if (flags > 3) throw this.reader.malformed("a book has two sides");
    const before = this.picture.depth ?? NO_DEPTH;
    const at = this.time();
    const bids = flags & 1 ? this.side(before.bids, -1n) : before.bids;
    const asks = flags & 2 ? this.side(before.asks, 1n) : before.asks;
    return { kind: "depth", at, bids, asks };
  }

  side(before, sign) {
    const head = this.reader.byte();
    const count = head & 7;
    const mask = head >> 3;
    if (count > LEVELS_MAX || mask >> count) {
      throw this.reader.malformed(`a side of a book has ${LEVELS_MAX} levels at most`);
    }
    const levels = [];
    for (let place = 0; place < count; place += 1) {
      let level = before[place] ?? NO_LEVEL;
      if ((mask >> place) & 1) {
        const price = this.moved(level.price, this.price, PRICE_MAX, 1);
        level = { price, size: this.moved(level.size, this.size, SIZE_MAX, 1) };
      }
      levels.push(level);
    }
    const isInOrder = levels.every(
      ({ price }, place) => place === 0 || sign * (price - levels[place - 1].price) > 0n,
    );
    if (!isInOrder && !this.isBlind) throw this.reader.malformed("the levels of a book are not in order");
    return levels;
  }

  status(flags) {
    return {
      kind: "status",
      source: this.reader.text(),
      isStale: Boolean(flags & 1),
      isHalted: Boolean(flags & 2),
      isTradable: !(flags & 4),
      isClosingOnly: Boolean(flags & 8),
    };
  }

  scale(isSaid) {
    const scales = isSaid ? this.reader.byte() : 0xff;
    this.price = this.divisor(scales >> 4, this.units.price);
    this.size = this.divisor(scales & 15, this.units.size);
  }

  divisor(scale, unit) {
    if (scale === IN_UNITS) return unit;
    if (scale > DIGITS) throw this.reader.malformed(`there is no scale ${scale}`);
    return 10n ** BigInt(DIGITS - scale);
  }

  time() {
    const told = this.reader.unsigned();
    const difference = unzigzag(told >> 1n) * (told & 1n ? 1n : 1000n);
    return Number(this.within(BigInt(this.picture.time) + difference, BigInt(TIME_MAX)));
  }

  counted(before, most, isSaid) {
    return Number(this.moved(BigInt(before), 1n, BigInt(most), isSaid));
  }

  moved(before, unit, most, isSaid) {
    return isSaid ? this.within(before + this.reader.signed() * unit, most) : before;
  }

  within(value, most) {
    if (this.isBlind) return 0n;
    if (value < 0n || value > most) throw this.reader.malformed(`${value} is not between 0 and ${most}`);
    return value;
  }
}

// --- Frames --------------------------------------------------------------------------------------

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
