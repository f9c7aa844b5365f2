// The customer's watchlists: which of them is shown, and the making, renaming and deleting of them.

import { $, kept, make, put } from "../dom.js";
import * as http from "../http.js";
import { announce, offer } from "../keys.js";

const CALL = "/api/v1/watchlists";

const chooser = $("#watchlists");
const dialog = $("#watchlists-dialog");
const rows = $("ul", dialog);
const form = $("form", dialog);
const input = $("input", form);
const error = $(".field__error", form);

// The lists in their order. Where nobody has made one, there is one of all that is traded: it has no
// id, and is made when it is changed.
let lists = [];
let shown = null;
let show = () => {};

/** `show(symbols)` is called with the symbols of the list that is chosen. */
export function begin({ known, show: shows }) {
  lists = known;
  show = shows;
  shown = lists.find(({ id }) => id === kept.read("watchlist", null)) ?? lists[0];
  fillChooser();
  chooser.addEventListener("change", () => choose(lists[chooser.selectedIndex]));
  $("#watchlists-edit").addEventListener("click", edit);
  $("[data-leave]", dialog).addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    create();
  });
  input.addEventListener("input", () => put(error, ""));
  offer({ words: "Make, rename or delete watchlists…", run: edit });
  offer({
    find: (text) =>
      lists
        .filter(({ name }) => name.toLowerCase().includes(text))
        .map((list) => ({ words: `Watchlist: ${list.name}`, run: () => choose(list) })),
  });
  return shown.symbols;
}

let last = Promise.resolve();

/** Run the calls in turn: the list that one makes is what the next one changes. */
function inTurn(call) {
  last = last.then(call, call);
  return last;
}

/** Keep the symbols of the list that is shown. */
export function keep(symbols) {
  const list = shown;
  list.symbols = symbols;
  return inTurn(() => send(list, { symbols }));
}

async function send(list, body) {
  const answer =
    list.id === null
      ? await http.post(CALL, { name: list.name, symbols: list.symbols, ...body })
      : await http.call(`${CALL}/${list.id}`, { method: "PUT", body });
  list.id = answer.id;
  list.name = answer.name;
  if (list === shown) kept.write("watchlist", list.id);
}

function choose(list) {
  shown = list;
  kept.write("watchlist", list.id);
  fillChooser();
  show(list.symbols);
}

function fillChooser() {
  chooser.replaceChildren(...lists.map(({ name }) => make("option", {}, name)));
  chooser.selectedIndex = lists.indexOf(shown);
}

// --- Making, renaming, deleting ---------------------------------------------------------------------

function edit() {
  input.value = "";
  put(error, "");
  showLists();
  dialog.showModal();
}

function showLists() {
  rows.replaceChildren(...lists.map(row));
}

function row(list) {
  const name = make("input", { class: "input", maxlength: "64", value: list.name, "aria-label": `Name of the watchlist ${list.name}` });
  const failed = make("p", { class: "field__error", role: "alert" });
  const deleting = make("button", { type: "button", class: "button button--small" }, "Delete");
  deleting.hidden = list.id === null;
  name.addEventListener("change", () => rename(list, name, failed));
  deleting.addEventListener("click", () => {
    if (deleting.classList.contains("button--danger")) remove(list, failed);
    else arm(deleting, `Delete with ${counted(list)}`);
  });
  deleting.addEventListener("blur", () => disarm(deleting));
  return make("li", {}, name, make("span", { class: "quiet" }, counted(list)), deleting, failed);
}

const counted = ({ symbols }) => (symbols.length === 1 ? "1 symbol" : `${symbols.length} symbols`);

function arm(button, words) {
  button.classList.add("button--danger");
  put(button, words);
}

function disarm(button) {
  button.classList.remove("button--danger");
  put(button, "Delete");
}

async function rename(list, field, failed) {
  put(failed, "");
  try {
    await inTurn(() => send(list, { name: field.value }));
  } catch (failure) {
    if (!(failure instanceof http.ApiError)) throw failure;
    put(failed, `It is called ${list.name} still. ${failure.message}`);
    return;
  }
  field.value = list.name;
  fillChooser();
  announce(`The watchlist is called ${list.name} now.`);
}

async function create() {
  const list = { id: null, name: input.value, symbols: [] };
  try {
    // What nobody has made would be gone once there is another.
    if (shown.id === null) await inTurn(() => send(shown, {}));
    await inTurn(() => send(list, {}));
  } catch (failure) {
    if (!(failure instanceof http.ApiError)) throw failure;
    put(error, failure.message);
    input.focus();
    return;
  }
  lists.push(list);
  choose(list);
  dialog.close();
  announce(`There is a watchlist ${list.name} now, and nothing on it.`);
}

async function remove(list, failed) {
  try {
    await inTurn(() => http.remove(`${CALL}/${list.id}`));
  } catch (failure) {
    if (!(failure instanceof http.ApiError)) throw failure;
    put(failed, failure.message);
    return;
  }
  if (lists.length === 1) {
    location.reload(); // to all that is traded, as at first
    return;
  }
  lists = lists.filter((each) => each !== list);
  if (list === shown) choose(lists[0]);
  else fillChooser();
  showLists();
  $("input", rows).focus();
  announce(`The watchlist ${list.name} is deleted.`);
}
