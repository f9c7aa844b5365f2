// The account page: money as it moves and went, API keys, simulated deposits, appearance.

import { $, $$, cell, eachFrame, keepRows, make, put, setDirection } from "../dom.js";
import * as gains from "../gains.js";
import * as http from "../http.js";
import { announce, choose } from "../keys.js";
import * as money from "../money.js";
import { on, store, tell } from "../store.js";
import "../strip.js";
import * as time from "../time.js";
import * as curve from "./curve.js";

// --- Money ---------------------------------------------------------------------------------------------

function showMoney() {
  const { account } = store;
  for (const place of $$("[data-money]")) put(place, money.money(account[place.dataset.money]));
  for (const place of $$("[data-gain]")) {
    put(place, money.signedMoney(account[place.dataset.gain]));
    setDirection(place, money.direction(account[place.dataset.gain]));
  }
  showCall(account);
}

/** What a margin call wants changes with every price: say what is missing now. */
function showCall({ equity, maintenance_margin: required }) {
  const place = $("#call-missing");
  if (!place) return;
  const missing = money.parse(required) - money.parse(equity);
  put(place, money.money(money.text(missing > 0n ? missing : 0n)));
}

/** Put the margin calls as they are now in the place of those before: what they say is the server's. */
async function renewCalls() {
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#margin-calls");
  if (!fresh) return; // signed out meanwhile
  $("#margin-calls").replaceWith(fresh);
  time.localise(fresh);
  showMoney();
  announce($$("h2", fresh).map((title) => title.textContent).join(". ") || "No margin call is left.");
}

on("activity", (events) => {
  if (events.some(({ kind }) => kind.startsWith("margin."))) renewCalls();
});

function showPositions() {
  const positions = store.positions;
  if (!positions) return;
  const rows = $("#position-rows");
  keepRows(
    rows,
    positions,
    ({ symbol }) => symbol,
    ({ symbol }) =>
      make(
        "tr",
        {},
        cell("symbol", {}, make("a", { href: `/account/positions/${symbol}` }, symbol), make("span", { class: "tag short", hidden: true }, "Short")),
        ...["quantity", "average", "price", "value"].map((name) => cell(name, { class: "number live" })),
        gains.build("day"),
        gains.build("open"),
      ),
    (row, position) => {
      const [name, quantity, average, price, value, day, open] = row.children;
      name.lastElementChild.hidden = position.side !== "short";
      const digits = Math.max(2, money.places(position.current_price ?? "0.01"));
      put(quantity, money.quantity(position.qty));
      put(average, money.price(position.avg_entry_price, digits));
      put(price, money.price(position.current_price, digits));
      put(value, money.money(position.market_value));
      gains.show(day, position.unrealized_intraday_pl, position.unrealized_intraday_plpc);
      gains.show(open, position.unrealized_pl, position.unrealized_plpc);
    },
  );
  $("#positions").classList.remove("to-come");
  rows.closest("table").hidden = positions.length === 0;
  $("#positions-empty").hidden = positions.length > 0;
  put($("#positions-empty"), "You hold nothing yet.");
}

async function loadPositions() {
  try {
    store.positions ??= await http.get("/api/v1/positions");
    tell("positions", store.positions);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#positions-empty"), `The positions could not be loaded. ${error.message} Reload the page.`);
  }
}

on("account", eachFrame(showMoney));
on("positions", eachFrame(showPositions));
tell("account");
loadPositions();
curve.begin();

// --- Simulated money -------------------------------------------------------------------------------------

const deposit = $("#deposit");
let depositKey = http.uuid(); // one key, one deposit: a repeat after a lost answer books nothing

deposit?.addEventListener("click", async () => {
  if (deposit.getAttribute("aria-disabled") === "true") return;
  deposit.setAttribute("aria-disabled", "true");
  const state = $("#deposit-state");
  put(state, "Depositing…");
  try {
    const { amount } = await http.post("/api/v1/demo-deposit", { key: depositKey });
    depositKey = http.uuid();
    put(state, `${money.money(amount)} USD deposited.`);
    store.account = { ...store.account, ...(await http.get("/api/v1/account")) };
    tell("account", store.account);
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put(state, error.isUncertain ? "No answer came. Press again: it is booked once." : error.message);
  } finally {
    deposit.setAttribute("aria-disabled", "false");
  }
});

// --- API keys --------------------------------------------------------------------------------------------

const keyRows = $("#key-rows");

async function loadKeys() {
  try {
    showKeys(await http.get("/api/v1/keys"));
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#keys-empty"), `The keys could not be loaded. ${error.message} Reload the page.`);
  }
}

function showKeys(keys) {
  keepRows(keyRows, keys, ({ key_id: id }) => id, buildKey, fillKey);
  keyRows.closest("table").hidden = keys.length === 0;
  $("#keys-empty").hidden = keys.length > 0;
  put($("#keys-empty"), "No key yet. Create one to trade by program.");
}

function buildKey(key) {
  const created = make("time");
  time.show(created, key.created_at);
  return make(
    "tr",
    {},
    make("td", {}, make("code", {}, key.key_id)),
    make("td", {}, key.name || money.NONE),
    make("td", {}, created),
    make("td"),
    make("td", { class: "number" }, make("button", { type: "button", class: "link" }, "Revoke…")),
  );
}

function fillKey(row, key) {
  const button = row.lastElementChild.firstElementChild;
  put(row.children[3], key.revoked_at ? `Revoked ${time.short(key.revoked_at)}` : "Works");
  row.classList.toggle("quiet", Boolean(key.revoked_at));
  button.hidden = Boolean(key.revoked_at);
}

/** Revoking cannot be undone: the first press says what it does, the second does it. */
keyRows.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const id = button.closest("tr").dataset.key;
  if (button.dataset.sure !== "yes") {
    button.dataset.sure = "yes";
    put(button, "Revoke for ever: its programs stop");
    button.addEventListener("blur", () => {
      delete button.dataset.sure;
      put(button, "Revoke…");
    }, { once: true });
    return;
  }
  try {
    await http.remove(`/api/v1/keys/${id}`);
    announce("The key is revoked.");
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#key-error"), `Not revoked. ${error.message}`);
  }
  await loadKeys();
  $("#key-name").focus();
});

$("#key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = $("#key-form button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  put($("#key-error"), "");
  try {
    const key = await http.post("/api/v1/keys", { name: $("#key-name").value });
    put($("#secret-key"), key.key_id);
    put($("#secret-secret"), key.secret_key);
    $("#secret").hidden = false;
    $("#key-name").value = "";
    $("#secret").focus();
    await loadKeys();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#key-error"), error.message);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
});

$("#secret-done").addEventListener("click", () => {
  $("#secret").hidden = true;
  put($("#secret-secret"), "");
  $("#key-name").focus();
});

for (const button of $$("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      put(button, "Copied");
    } catch {
      // The clipboard is closed to pages that are not on HTTPS: select, so that Ctrl+C does it.
      getSelection().selectAllChildren(source);
      put(button, "Press Ctrl+C");
    }
  });
}
loadKeys();

// --- Appearance ------------------------------------------------------------------------------------------

for (const group of $$("[data-look]")) {
  const name = group.dataset.look;
  const now = document.documentElement.dataset[name];
  for (const input of $$("input", group)) input.checked = input.value === now;
  group.addEventListener("change", (event) => choose(name, event.target.value));
}
