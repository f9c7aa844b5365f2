// Putting the rows of a list in another order: by dragging one, or by Alt and an arrow.

import { $ } from "../dom.js";

/** Let the rows of `list` (each with its `data-key`) be moved; `move(key, by)` by so many places. */
export function begin(list, move) {
  let dragged = null;

  /** Return the row under the pointer, and whether the dragged one would come behind it. */
  function target({ target: element, clientY: y }) {
    const row = element.closest?.("li");
    if (!row || !dragged || row === dragged) return null;
    const { top, height } = row.getBoundingClientRect();
    return { row, isBehind: y > top + height / 2 };
  }

  function mark(found) {
    $(".is-target", list)?.classList.remove("is-target", "is-target--behind");
    found?.row.classList.add("is-target");
    found?.row.classList.toggle("is-target--behind", found.isBehind);
  }

  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("li");
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    const found = target(event);
    mark(found);
    if (found) event.preventDefault(); // it may be dropped here
  });
  list.addEventListener("drop", (event) => {
    const found = target(event);
    if (!found) return;
    event.preventDefault();
    const rows = [...list.children];
    const from = rows.indexOf(dragged);
    const to = rows.indexOf(found.row) + (found.isBehind ? 1 : 0);
    move(dragged.dataset.key, (to > from ? to - 1 : to) - from);
  });
  list.addEventListener("dragend", () => {
    mark(null);
    dragged = null;
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("li");
    if (!event.altKey || !by || !row) return;
    event.preventDefault();
    move(row.dataset.key, by);
  });
}
