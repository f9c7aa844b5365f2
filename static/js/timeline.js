// An order's life, step by step: state, time, who, why.

import { keepRows, make, put } from "./dom.js";
import * as money from "./money.js";
import * as time from "./time.js";
import * as words from "./words.js";

/** The API calls an order new from the moment that it left; only the venue makes it work. */
const stateOf = ({ status, actor }) =>
  words.stateWord(status === "new" && !actor.startsWith("venue") ? "accepted" : status);

/** Show the steps; `isWhole` adds from which address each came. */
export function show(list, steps, { isWhole = false } = {}) {
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
      put(what.firstElementChild, stateOf(step));
      time.show(what.lastElementChild, step.at);
      put(
        why,
        [
          words.actor(step.actor),
          step.reason,
          filled ? `${money.quantity(step.filled_qty)} filled` : "",
          isWhole && step.source_address ? `from ${step.source_address}` : "",
        ]
          .filter(Boolean)
          .join(" · "),
      );
    },
  );
}
