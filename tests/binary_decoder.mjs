// Runs the page's decoder for the tests. A line in: {"symbols": [...], "frames": [hex, ...]}. A
// line out: for each frame what it said, or {"malformed": why}; then the pictures of the symbols.

import { createInterface } from "node:readline";
import { Decoder, Malformed } from "../static/js/binary.js";

const plain = (_key, value) => {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return [...value].sort(([a], [b]) => a - b).map(([, each]) => each);
  return value;
};

function read({ symbols, frames }) {
  const decoder = new Decoder();
  const asked = decoder.subscribe(symbols);
  const told = frames.map((hex) => {
    try {
      return decoder.take(Uint8Array.from(Buffer.from(hex, "hex")).buffer);
    } catch (error) {
      if (error instanceof Malformed) return { malformed: error.message };
      throw error;
    }
  });
  const pictures = symbols.map((symbol) => decoder.picture(symbol));
  return { asked, told, pictures, again: decoder.subscribe(symbols) };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(read(JSON.parse(line)), plain)}\n`);
}
