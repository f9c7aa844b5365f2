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

let open = []; // what can be cancelled now
let isSending = false;

/** `done()` is called when cancels were asked for. */
export function begin({ done }) {
  opener.addEventListener("click", ask);
  offer({ words: "Cancel all open orders…", run: () => open.length && ask() });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(done);
  });
  typed.addEventListener("input", () => put(error, ""));
  $("[data-leave]", dialog).addEventListener("click", () => dialog.close());
}

export function show(orders) {
  open = orders.filter(words.isCancellable);
  opener.hidden = open.length === 0;
  if (dialog.open && !isSending) describe();
}

function ask() {
  typed.value = "";
  put(error, "");
  describe();
  dialog.showModal();
  typed.focus();
}

function describe() {
  const buys = open.filter(({ side }) => side === "buy").length;
  const exits = open.filter(({ role }) => role === "take_profit" || role === "stop_loss").length;
  const part = open.filter(({ filled_qty: filled }) => money.parse(filled) > 0n).length;
  const symbols = [...new Set(open.map(({ symbol }) => symbol))];
  const named = symbols.length > 6 ? `${symbols.slice(0, 6).join(", ")} and ${symbols.length - 6} more` : symbols.join(", ");
  const facts = [
    ["Orders to cancel", `${open.length} (${buys} to buy, ${open.length - buys} to sell)`],
    ["Symbols", named],
    ["Cash held for them", `${money.money(store.account?.held)} USD comes back`],
    ...(part ? [["Partly filled", `${part}: what is filled stays yours`]] : []),
    ...(exits ? [["Exits among them", `${exits}: those positions stay without protection`]] : []),
  ];
  $("dl", dialog).replaceChildren(
    ...facts.map(([word, value]) => make("div", {}, make("dt", {}, word), make("dd", {}, value))),
  );
  put($("[data-how]", dialog), `Type ${open.length} to cancel ${open.length === 1 ? "it" : "them all"}`);
  put(go, open.length === 1 ? "Cancel 1 order" : `Cancel ${open.length} orders`);
}

async function send(done) {
  if (isSending) return;
  if (typed.value.trim() !== String(open.length)) {
    put(error, `Nothing was cancelled yet: type the number of orders, ${open.length}.`);
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
