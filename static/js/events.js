// Rows of what happened in the account, for its page and for the trade page's tab.

import { cell, keepRows, make } from "./dom.js";
import * as steps from "./price-steps.js";
import * as time from "./time.js";
import * as words from "./words.js";

/** Return the events of both lists, each once, the newest first, at most `most`. */
export function merged(known, news, most) {
  const bySequence = new Map([...known, ...news].map((event) => [event.sequence, event]));
  return [...bySequence.values()].sort((a, b) => b.sequence - a.sequence).slice(0, most);
}

/**
 * Show the events, newest first. `instrumentOf(symbol)` has the steps of its prices, undefined where
 * the page does not know them; `hasActor` adds who did it.
 */
export function show(rows, events, { instrumentOf, hasActor = false }) {
  const build = (event) => {
    const at = make("time", { class: "quiet" });
    time.show(at, event.at);
    const instrument = instrumentOf(event.payload.symbol);
    const sentence = words.event(event, instrument && steps.places(instrument, event.payload.price));
    const { order_id: id } = event.payload;
    return make(
      "tr",
      {},
      cell("time", {}, at),
      cell("sentence", {}, id ? make("a", { href: `/orders/${id}` }, sentence) : sentence),
      hasActor ? cell("actor", { class: "quiet" }, words.actor(event.actor)) : null,
    );
  };
  keepRows(rows, events, ({ sequence }) => sequence, build, () => {});
  rows.closest("table").hidden = events.length === 0;
}
