// The account's activity: a page as the server made it; the newest one goes on by itself.

import { $, make, readJson } from "../dom.js";
import * as events from "../events.js";
import { on } from "../store.js";
import "../strip.js";

const start = readJson("activity-start");
const rows = $("#activity-rows");
let shown = start.events;

const instrumentOf = (symbol) => start.price_steps[symbol];
const isWanted = ({ kind }) => !start.areas.length || start.areas.some((area) => kind.startsWith(`${area}.`));

function show() {
  events.show(rows, shown, { instrumentOf, hasActor: true });
  $("#activity-empty").hidden = shown.length > 0;
}

on("activity", (news) => {
  const wanted = news.filter(isWanted);
  if (!wanted.length) return;
  if (start.is_newest) {
    shown = events.merged(shown, wanted, start.most);
    show();
    return;
  }
  const notice = $("#activity-news");
  notice.replaceChildren("More has happened since. ", make("a", { href: $(".paging a").href }, "Show the newest"));
  notice.hidden = false;
});
show();
$("#activity-frame").classList.remove("to-come");
