// The account page: money as it moves and went, simulated deposits, appearance.

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

// What the server writes: margin calls, settled cash, deposits and withdrawals.
const GATHER_MS = 300;
const OF_CALLS = /^margin\./;
const OF_STANDING = /^(margin|money|holding)\.|^order\.(filled|partially_filled|busted)$/;
const outdated = new Set();
let renewing = 0;

/** Put `fresh` in the place of the one before it; whoever stands on something there stays on it. */
function replace(fresh) {
  const before = document.getElementById(fresh.id);
  const place = $$("a, [tabindex]", before).indexOf(document.activeElement);
  before.replaceWith(fresh);
  time.localise(fresh);
  $$("a, [tabindex]", fresh)[place]?.focus({ preventScroll: true });
}

/** Show what the server writes now where it wrote something else before. */
async function renew() {
  renewing = 0;
  const ids = [...outdated];
  outdated.clear();
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const fresh = page.getElementById(id);
    if (!fresh) return; // signed out meanwhile
    replace(fresh);
  }
  tell("account", store.account);
  if (!ids.includes("margin-calls")) return;
  announce($$("#margin-calls h2").map((title) => title.textContent).join(". ") || "No margin call is left.");
}

on("activity", (events) => {
  if (events.some(({ kind }) => OF_CALLS.test(kind))) outdated.add("margin-calls");
  if (events.some(({ kind }) => OF_STANDING.test(kind))) outdated.add("standing");
  if (outdated.size && !renewing) renewing = setTimeout(renew, GATHER_MS);
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

// --- Appearance ------------------------------------------------------------------------------------------

for (const group of $$("[data-look]")) {
  const name = group.dataset.look;
  const now = document.documentElement.dataset[name];
  for (const input of $$("input", group)) input.checked = input.value === now;
  group.addEventListener("change", (event) => choose(name, event.target.value));
}
