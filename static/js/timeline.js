// An order's life, step by step: state, time, who, why.

import { $, keepRows, make, put } from "./dom.js";
import * as money from "./money.js";
import * as time from "./time.js";
import * as words from "./words.js";

/** An order is submitted from the moment that it left; only the venue makes it work. */
const stateOf = ({ state, actor }) =>
  words.stateWord({ state, status: state === "submitted" && !actor.startsWith("venue") ? "accepted" : "" });

/**
 * Show the steps; `isWhole` adds from which address each came. With `until`, what came later is
 * dimmed; with `pick(at)`, each time is a button; `other(step, index)` may name another order that
 * the step is about, as { id, words }.
 */
export function show(list, steps, { isWhole = false, until = null, pick = null, other = () => null } = {}) {
  keepRows(
    list,
    steps.map((step, index) => ({ ...step, index })),
    ({ index }) => index,
    () =>
      make(
        "li",
        {},
        make("p", { class: "timeline__what" }, make("strong"), pick ? pickable(pick) : make("time", { class: "number quiet" })),
        make("p", { class: "timeline__why small" }, make("span"), make("a", { hidden: true })),
      ),
    (row, step) => {
      const [what, why] = row.children;
      const filled = money.parse(step.filled_qty) > 0n && step.state !== "submitted";
      row.classList.toggle("is-later", until !== null && step.at > until);
      put(what.firstElementChild, stateOf(step));
      time.show($("time", what), step.at);
      showOther(why.lastElementChild, other(step, step.index));
      put(
        why.firstElementChild,
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

function showOther(link, order) {
  link.hidden = !order;
  if (!order) return;
  link.href = `/orders/${order.id}`;
  put(link, order.words);
}

/** A time that shows the order as it stood then. */
function pickable(pick) {
  const at = make("time", { class: "number" });
  const button = make("button", { type: "button", class: "link", onclick: () => pick(at.dateTime) }, at);
  button.setAttribute("aria-description", "Show the order as it stood then");
  return button;
}
