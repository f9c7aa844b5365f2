// The numbers and texts that the binary stream is made of, read and written. binary.js has the
// stream, docs/binary-stream.md what every byte means.

const VARINT_BYTES_MAX = 24;
const TEXT_BYTES_MAX = 255;

/** These bytes are no frame of this stream; nothing of them has been taken. */
export class Malformed extends Error {}

export class Reader {
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

export const unzigzag = (value) => (value & 1n ? ~(value >> 1n) : value >> 1n);

export function writeUnsigned(out, number) {
  let rest = number;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

export function writeText(out, text) {
  const bytes = new TextEncoder().encode(text);
  writeUnsigned(out, bytes.length);
  out.push(...bytes);
}
