// What the entries of the binary stream say of one instrument: updates, and the picture that they
// add up to. binary.js has the frames around them, docs/binary-stream.md what every byte means.

import { unzigzag } from "./binary-bytes.js";

export const DIGITS = 9;
const LEVELS_MAX = 5;
const IN_UNITS = 15;

export const COUNT_MAX = 2 ** 53 - 1;
export const TIME_MAX = COUNT_MAX; // in the year 2255
export const SIZE_MAX = 10n ** 28n - 1n;
const PRICE_MAX = 10n ** 20n - 1n;
const TURNOVER_MAX = 10n ** 48n - 1n;
const SECONDS_MAX = 253_402_300_799;
const TRADE_NUMBERS = 10n ** 15n;

const NO_QUOTE = { kind: "quote", at: 0, bid: 0n, bidSize: 0n, ask: 0n, askSize: 0n };
const NO_TRADE = {
  kind: "trade", at: 0, price: 0n, size: 0n, tradeId: "", venue: "", conditions: "", setsLast: true,
};
export const NO_DEPTH = { kind: "depth", at: 0, bids: [], asks: [] };
const NO_LEVEL = { price: 0n, size: 0n };

// --- Pictures ------------------------------------------------------------------------------------

export function emptyPicture() {
  return { status: null, quote: null, trade: null, depth: null, bars: new Map(), time: 0 };
}

export const copied = (picture) => ({ ...picture, bars: new Map(picture.bars) });

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
export class Entry {
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
