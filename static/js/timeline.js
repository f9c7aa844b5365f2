// An order's life, step by step: state, time, who, why.

import { keepRows, make, put } from "./dom.js";
import * as money from "./money.js";
import * as time from "./time.js";
import * as words from "./words.js";

export function show(list, steps) {
  keepRows(
    list,
    steps.map((step, index) => ({ ...step, index })),
    ({ index }) => index,
    () =>
      make(
        "li",
        {},
        make("p", { class: "timeline__what" }, make("strong"), make("time", { class: "number quiet" })),
        make("p", { class: "timeline__why small" }),
      ),
    (row, step) => {
      const [what, why] = row.children;
      const filled = money.parse(step.filled_qty) > 0n && !["new", "accepted"].includes(step.status);
      put(what.firstElementChild, words.stateWord(step.status));
      time.show(what.lastElementChild, step.at);
      put(
        why,
        [
          words.actor(step.actor),
          step.reason,
          filled ? `${money.quantity(step.filled_qty)} filled` : "",
          step.source_address ? `from ${step.source_address}` : "",
        ]
          .filter(Boolean)
          .join(" · "),
      );
    },
  );
}
