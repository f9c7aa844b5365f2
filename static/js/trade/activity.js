// What happened in the account, the newest first.

import { $, put } from "../dom.js";
import * as events from "../events.js";
import * as http from "../http.js";
import { on, store } from "../store.js";

const SHOWN_MAX = 200;

const rows = $("[data-rows=activity]");
const empty = $("[data-empty=activity]");
let shown = []; // newest first
let isLoaded = false;

export function begin() {
  on("activity", add);
  on("connection", (state) => state === "live" && !isLoaded && load());
  load();
}

async function load() {
  try {
    add(await http.get("/api/v1/activity"));
    isLoaded = true;
    put(empty, "Nothing has happened in this account yet.");
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put(empty, `The activity could not be loaded. ${error.message}`);
  }
}

const instrumentOf = (symbol) => store.instruments.get(symbol);

function add(news) {
  shown = events.merged(shown, news, SHOWN_MAX);
  events.show(rows, shown, { instrumentOf });
  empty.hidden = shown.length > 0;
  $("#all-activity").hidden = shown.length === 0;
}
