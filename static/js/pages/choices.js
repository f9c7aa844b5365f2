// The settings of the account: each is kept as soon as it is chosen, and the page says so.

import { $, put } from "../dom.js";
import * as http from "../http.js";
import * as money from "../money.js";
import { on, store, tell } from "../store.js";

const form = $("#choices");
const state = $("#choices-state");
const VALUES = {
  lot_method: (field) => field.value,
  multiplier: (field) => Number(field.value),
  shorting: (field) => field.checked,
  suspended: (field) => field.checked,
};

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", async ({ target }) => {
  put(state, "Saving…");
  try {
    show(await http.call("/api/v1/account/settings", { method: "PATCH", body: { [target.name]: VALUES[target.name](target) } }));
    put(state, "Kept. It holds from the next order on.");
    store.account = { ...store.account, ...(await http.get("/api/v1/account")) };
    tell("account", store.account);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put(state, `Not changed. ${error.message}`);
    await restore();
  }
});

/** Show what the server has: a choice that was not kept must not look as if it were. */
async function restore() {
  try {
    show(await http.get("/api/v1/account/settings"));
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
  }
}

function show({ lot_method: method, multiplier, shorting, suspended }) {
  const { elements } = form;
  elements.lot_method.value = method;
  put($("#lot-method-why"), elements.lot_method.selectedOptions[0].dataset.why);
  if (elements.multiplier) elements.multiplier.value = String(multiplier);
  if (elements.shorting) elements.shorting.checked = shorting;
  elements.suspended.checked = suspended;
}

function showDebit() {
  const cash = money.parse(store.account?.cash);
  const cell = $("#debit");
  if (cell && cash !== null) put(cell, cash < 0n ? money.money(money.text(-cash)) : money.NONE);
}

on("account", showDebit);
showDebit();
