// The little that we need of a view library: make, find, keep rows in step, flash.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Make an element. Properties that are not plain attributes: `on*` listeners and `dataset`. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make a table's cell. Its name is its place where a row is stacked in lines: see stacked.css. */
export const cell = (name, properties = {}, ...children) => make("td", { dataset: { cell: name }, ...properties }, ...children);

/**
 * Set the text of an element only when it differs: an unchanged cell costs no layout. The text it has
 * is written over, as new nodes for each price would be so much to collect again.
 */
export function put(element, text) {
  const [only, second] = element.childNodes;
  if (only?.nodeType === Node.TEXT_NODE && !second) {
    if (only.data !== text) only.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

export function setDirection(element, direction) {
  element.classList.toggle("up", direction === "up");
  element.classList.toggle("down", direction === "down");
}

export function readJson(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/**
 * Make the rows of `parent` those of `items`, in order, touching only what differs, so that
 * focus and selection survive. `build(item)` makes a row, `fill(row, item)` brings it up to date.
 */
export function keepRows(parent, items, key, build, fill) {
  const wanted = new Set(items.map((item) => String(key(item))));
  const rows = new Map();
  for (const row of [...parent.children]) {
    const name = row.dataset.key;
    if (wanted.has(name)) {
      rows.set(name, row);
    } else {
      if (row.contains(document.activeElement)) focusBeside(row, wanted);
      row.remove();
    }
  }
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let row = rows.get(name);
    if (!row) {
      row = build(item);
      row.dataset.key = name;
    }
    if (row === place) place = place.nextElementSibling;
    else parent.insertBefore(row, place);
    fill(row, item);
  }
  // A row that is moved loses the focus.
  if (focused && document.activeElement === document.body) focused.focus({ preventScroll: true });
}

/** Give the focus to the next row that stays, else to the one before, else to the table's frame. */
function focusBeside(row, staying) {
  const stays = (way) => {
    let other = row[way];
    while (other && !staying.has(other.dataset.key)) other = other[way];
    return other;
  };
  const neighbour = stays("nextElementSibling") ?? stays("previousElementSibling");
  const target = neighbour?.querySelector("a, button, [tabindex]") ?? row.closest("[tabindex]");
  target?.focus({ preventScroll: true });
}

/** Hide `button`, or show it; if it has the focus, `next` is given it. */
export function hide(button, isHidden, next) {
  const isFocused = isHidden && document.activeElement === button;
  button.hidden = isHidden;
  if (isFocused) next?.focus({ preventScroll: true });
}

const FLASH_EVERY_MS = 500;
const flashedAt = new WeakMap();
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Flash a cell for 300 ms, at most twice a second; not for those to whom nothing shall move. */
export function flash(cell, direction) {
  const now = performance.now();
  if (!direction || still.matches || now - (flashedAt.get(cell) ?? -FLASH_EVERY_MS) < FLASH_EVERY_MS) return;
  flashedAt.set(cell, now);
  const colour = direction === "up" ? "var(--up-flash)" : "var(--down-flash)";
  cell.animate([{ backgroundColor: colour }, { backgroundColor: colour, offset: 0.5 }, {}], 300);
}

/** Return a function that runs `paint` once in the next frame, however often it is called. */
export function eachFrame(paint) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      paint();
    });
  };
}

/** What the browser keeps for this person: layout, watchlist, theme. Never money. */
export const kept = {
  read(name, otherwise) {
    try {
      const text = localStorage.getItem(`openfloor.${name}`);
      return text === null ? otherwise : JSON.parse(text);
    } catch {
      return otherwise; // storage is refused, or holds what an older version wrote
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(`openfloor.${name}`, JSON.stringify(value));
    } catch {
      // Storage is refused or full: the page works on, it only forgets.
    }
  },
};
