// The account strip on top of every page: what the account is worth, and whether we are connected.

import { $, eachFrame, flash, put, setDirection } from "./dom.js";
import * as http from "./http.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as money from "./money.js";
import { on, store } from "./store.js";
import * as time from "./time.js";

const CONNECTION = {
  connecting: ["Connecting", "warn", "Prices are on their way."],
  live: ["Live", "good", "Prices and orders arrive as they happen."],
  waiting: ["Reconnecting", "warn", "Prices are as they were. Orders can still be placed."],
  offline: ["Offline", "bad", "This device has no network. Prices are as they were."],
  "signed out": ["Signed out", "bad", "Sign in again to go on."],
};
const CLOCK_AGAIN_MS_MIN = 5_000;
const CLOCK_AGAIN_MS_MAX = 300_000;

const strip = $(".strip");
const value = $("[data-strip=equity]", strip);
const profit = $("[data-strip=day-pl]", strip);
const power = $("[data-strip=buying-power]", strip);
const connection = $("[data-strip=connection]", strip);
const market = $("[data-strip=market]", strip);
const call = $("[data-strip=call]", strip);

const calls = new Set(call?.dataset.calls.split(" ").filter(Boolean)); // those that are not met

let shownEquity = null;
let isLeaving = false;

addEventListener("submit", (event) => {
  isLeaving = !event.defaultPrevented;
});

function showAccount() {
  const account = store.account;
  if (!account) return;
  put(value, money.money(account.equity));
  const equity = money.parse(account.equity);
  if (shownEquity !== null && equity !== shownEquity) {
    flash(value, equity > shownEquity ? "up" : "down");
  }
  shownEquity = equity;
  put(profit, withPercent(account));
  setDirection(profit, money.direction(account.day_pl));
  put(power, money.money(account.buying_power));
}

function withPercent({ day_pl: day, equity }) {
  const gain = money.parse(day);
  const now = money.parse(equity);
  if (gain === null || now === null) return money.NONE;
  const before = now - gain; // what the account held at the start of the day, deposits included
  if (before <= 0n) return money.signedMoney(day);
  const percent = money.text((gain * 100_000_000_000n) / before);
  return `${money.signedMoney(day)} (${money.percent(percent)})`;
}

function showConnection() {
  const [word, tone, why] = CONNECTION[store.connection];
  if (connection.dataset.tone !== tone) connection.dataset.tone = tone;
  put(connection.lastElementChild, word);
  connection.title = why;
  document.body.classList.toggle("is-cut-off", !["live", "connecting"].includes(store.connection));
  // The server says why, and leads back here once they have signed in. Who signs out by a form of
  // this page is on the way to its answer already.
  if (store.connection === "signed out" && !isLeaving) {
    location.assign(location.pathname + location.search);
  }
}

/** A margin call is said wherever one is, as soon as there is one, until the last of them is met. */
function takeCall(events) {
  for (const { kind, payload } of events) {
    if (kind === "margin.call_met") calls.delete(payload.call_id);
    else if (kind.startsWith("margin.")) calls.add(payload.call_id);
  }
  call.hidden = calls.size === 0;
}

async function showMarket() {
  let wait = CLOCK_AGAIN_MS_MAX;
  try {
    const clock = await http.get("/api/v1/clock");
    const change = new Date(clock.is_open ? clock.next_close : clock.next_open);
    market.dataset.tone = clock.is_open ? "good" : "off";
    put(market.lastElementChild, clock.is_open ? "Market open" : "Market closed");
    market.title = `${clock.is_open ? "Closes" : "Opens"} ${time.full(change)}`;
    wait = Math.min(wait, Math.max(CLOCK_AGAIN_MS_MIN, change - Date.now()));
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    market.dataset.tone = "off";
    put(market.lastElementChild, "Market state unknown");
  }
  setTimeout(showMarket, wait);
}

if (strip) {
  on("account", eachFrame(showAccount));
  on("connection", showConnection);
  on("activity", takeCall);
  connection.addEventListener("click", () => live.retry());
  showMarket();
}
live.begin();
time.localise();
keys.begin();
