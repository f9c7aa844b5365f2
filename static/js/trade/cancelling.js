// Cancelling every open order: its effect in numbers, then a deliberate second act.

import { $, make, put } from "../dom.js";
import * as http from "../http.js";
import { announce, offer } from "../keys.js";
import * as money from "../money.js";
import { store } from "../store.js";
import * as words from "../words.js";

const opener = $("#cancel-all");
const dialog = $("#cancel-all-dialog");
const form = $("form", dialog);
const typed = $("input", dialog);
const go = $("[data-go]", dialog);
const error = $(".field__error", dialog);

let isAny = false; // whether something can be cancelled
let all = null; // what would be cancelled, as the server counts it: more than is shown, perhaps
let isSending = false;

/** `done()` is called when cancels were asked for. */
export function begin({ done }) {
  opener.addEventListener("click", ask);
  offer({ words: "Cancel all open orders…", run: () => isAny && ask() });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(done);
  });
  typed.addEventListener("input", () => put(error, ""));
  $("[data-leave]", dialog).addEventListener("click", () => dialog.close());
}

export function show(orders) {
  isAny = orders.some(words.isCancellable);
  opener.hidden = !isAny;
  if (dialog.open && !isSending) count();
}

function ask() {
  typed.value = "";
  put(error, "");
  all = null;
  describe();
  dialog.showModal();
  typed.focus();
  count();
}

let isCounting = false;
let isOutdated = false;

async function count() {
  isOutdated = true;
  if (isCounting) return;
  isCounting = true;
  try {
    while (isOutdated) {
      isOutdated = false;
      all = await http.get("/api/v1/orders:cancelable");
    }
  } catch (failure) {
    if (!(failure instanceof http.ApiError)) throw failure;
    all = null;
    put(error, `The orders could not be counted. ${failure.message} Leave, and try again.`);
  } finally {
    isCounting = false;
  }
  if (!isSending) describe();
}

function describe() {
  const orders = all?.count ?? 0;
  $("dl", dialog).replaceChildren(
    ...(orders ? facts(all) : []).map(([word, value]) => make("div", {}, make("dt", {}, word), make("dd", {}, value))),
  );
  const wanted = `Type ${orders} to cancel ${orders === 1 ? "it" : all?.is_all ? "them all" : "these; more are left then"}`;
  put($("[data-how]", dialog), all === null ? "Counting the orders…" : orders ? wanted : "Nothing is left to cancel");
  put(go, all === null ? "Cancel orders" : orders === 1 ? "Cancel 1 order" : `Cancel ${orders} orders`);
  go.setAttribute("aria-disabled", String(orders === 0));
}

function facts({ count: orders, buys, partly_filled: part, exits, symbols }) {
  const named = symbols.length > 6 ? `${symbols.slice(0, 6).join(", ")} and ${symbols.length - 6} more` : symbols.join(", ");
  return [
    ["Orders to cancel", `${orders} (${buys} to buy, ${orders - buys} to sell)`],
    ["Symbols", named],
    ["Cash held for them", `${money.money(store.account?.held)} USD comes back`],
    ...(part ? [["Partly filled", `${part}: what is filled stays yours`]] : []),
    ...(exits ? [["Exits among them", `${exits}: those positions stay without protection`]] : []),
  ];
}

async function send(done) {
  if (isSending || !all?.count) return;
  if (typed.value.trim() !== String(all.count)) {
    put(error, `Nothing was cancelled yet: type the number of orders, ${all.count}.`);
    typed.focus();
    return;
  }
  isSending = true;
  go.setAttribute("aria-disabled", "true");
  try {
    const answers = await http.remove("/api/v1/orders");
    const failed = answers.filter(({ status }) => status >= 400);
    if (failed.length) {
      put(error, `${answers.length - failed.length} are being cancelled, ${failed.length} are not: ${failed[0].body.message}`);
    } else {
      dialog.close();
      announce(`${answers.length} cancels requested.`);
    }
  } catch (failure) {
    if (!(failure instanceof http.ApiError)) throw failure;
    put(error, `${failure.message} Look under Open orders which of them stand, and try again.`);
  } finally {
    isSending = false;
    go.setAttribute("aria-disabled", "false");
    done();
  }
}
