// Runs the page's decoder for the tests. A line in: {"symbols": [...], "books": [...], "frames":
// [hex, ...]}. A line out: for each frame what it said, or {"malformed": why}; then the pictures
// of the symbols and the books.

import { createInterface } from "node:readline";
import { Decoder, Malformed } from "../static/js/binary.js";

const plain = (_key, value) => {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return [...value].sort(([a], [b]) => a - b).map(([, each]) => each);
  return value;
};

function read({ symbols, books, frames }) {
  const decoder = new Decoder();
  const asked = decoder.subscribe(symbols);
  const askedBooks = decoder.subscribe(books, { areBooks: true });
  const told = frames.map((hex) => {
    try {
      return decoder.take(Uint8Array.from(Buffer.from(hex, "hex")).buffer);
    } catch (error) {
      if (error instanceof Malformed) return { malformed: error.message };
      throw error;
    }
  });
  const pictures = symbols.map((symbol) => decoder.picture(symbol));
  const depths = books.map((symbol) => decoder.book(symbol));
  const again = decoder.subscribe(symbols);
  const againBooks = decoder.subscribe(books, { areBooks: true });
  return { asked, askedBooks, told, pictures, depths, again, againBooks };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(read(JSON.parse(line)), plain)}\n`);
}
