// The chosen symbol's book: the best five levels a side, each with a bar as long as its size.

import { $, $$, eachFrame, make, put } from "../dom.js";
import * as live from "../live.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import { on, store } from "../store.js";

const LEVELS = 5;
const SIDES = [
  { name: "bids", words: "Buyers at" },
  { name: "asks", words: "Sellers at" },
];

const ladder = $("#ladder");
const places = SIDES.map(({ name }) =>
  Array.from({ length: LEVELS }, (_, place) => {
    const row = ladder.children[place] ?? ladder.appendChild(make("li", {}));
    return row.appendChild(
      make(
        "button",
        { type: "button", class: `plain level level--${name}`, disabled: true },
        make("i", { class: "level__bar" }),
        make("span", { class: "level__size number" }, money.NONE),
        make("span", { class: "level__price number" }, money.NONE),
      ),
    );
  }),
);

/** Show the book from now on; `pick` takes the price of a level that is pressed. */
export function begin({ pick }) {
  const show = eachFrame(showBook);
  on("books", (books) => books.some(({ symbol }) => symbol === store.symbol) && show());
  on("symbol", (symbol) => {
    live.followBook(symbol);
    showBook();
  });
  for (const button of $$("button", ladder)) {
    button.addEventListener("click", () => pick(button.dataset.price));
  }
}

function showBook() {
  const book = store.books.get(store.symbol);
  const digits = steps.places(store.instruments.get(store.symbol), (book?.bids?.[0] ?? book?.asks?.[0])?.price);
  const shown = SIDES.map(({ name }) => (book?.[name] ?? []).slice(0, LEVELS));
  const sizes = shown.flat().map(({ size }) => Number(size));
  const most = Math.max(...sizes, Number.MIN_VALUE);
  ladder.classList.toggle("is-empty", !sizes.length);
  places.forEach((buttons, side) =>
    buttons.forEach((button, place) => showLevel(button, shown[side][place], { side, most, digits })),
  );
}

function showLevel(button, level, { side, most, digits }) {
  const [bar, size, price] = button.children;
  const words = level ? money.price(level.price, digits) : money.NONE;
  put(size, level ? money.quantity(level.size) : money.NONE);
  put(price, words);
  // It is cut, not made shorter: a cut costs no layout.
  bar.style.setProperty("--cut", level ? `${(1 - Number(level.size) / most) * 100}%` : "100%");
  button.disabled = !level;
  button.dataset.price = level?.price ?? "";
  button.title = level ? `${SIDES[side].words} ${words}. Press to use it as your limit.` : "";
}
