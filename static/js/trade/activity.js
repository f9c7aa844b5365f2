// What happened in the account, the newest first.

import { $, keepRows, make, put } from "../dom.js";
import * as http from "../http.js";
import * as money from "../money.js";
import { on, store } from "../store.js";
import * as time from "../time.js";
import * as words from "../words.js";

const SHOWN_MAX = 200;

const rows = $("[data-rows=activity]");
const empty = $("[data-empty=activity]");
let events = []; // newest first

export function begin() {
  on("activity", add);
  load();
}

async function load() {
  try {
    add(await http.get("/api/v1/activity"));
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put(empty, `The activity could not be loaded. ${error.message} Reload the page.`);
  }
}

function add(news) {
  const bySequence = new Map([...events, ...news].map((event) => [event.sequence, event]));
  events = [...bySequence.values()].sort((a, b) => b.sequence - a.sequence).slice(0, SHOWN_MAX);
  keepRows(rows, events, ({ sequence }) => sequence, build, () => {});
  rows.closest("table").hidden = events.length === 0;
  empty.hidden = events.length > 0;
}

function build(event) {
  const at = make("time", { class: "quiet" });
  time.show(at, event.at);
  const increment = store.instruments.get(event.payload.symbol)?.price_increment ?? "0.01";
  const sentence = words.event(event, money.places(increment));
  const { order_id: id } = event.payload;
  return make(
    "tr",
    {},
    make("td", {}, at),
    make("td", {}, id ? make("a", { href: `/orders/${id}` }, sentence) : sentence),
  );
}
