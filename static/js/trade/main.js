// The trade page: joins its parts.

import { $, readJson } from "../dom.js";
import { offer } from "../keys.js";
import * as live from "../live.js";
import * as money from "../money.js";
import { store, tell } from "../store.js";
import "../strip.js";
import * as activity from "./activity.js";
import * as chart from "./chart.js";
import * as ladder from "./ladder.js";
import * as layout from "./layout.js";
import * as orders from "./orders.js";
import * as placing from "./placing.js";
import * as positions from "./positions.js";
import * as quote from "./quote.js";
import * as tape from "./tape.js";
import * as ticket from "./ticket.js";
import * as watchlist from "./watchlist.js";

const start = readJson("trade-start");
for (const instrument of start.instruments) store.instruments.set(instrument.symbol, instrument);
store.symbol = start.symbol;

/** Go to another symbol without leaving the page. */
function select(symbol, { isNew = true } = {}) {
  if (!store.instruments.has(symbol)) return;
  const hash = layout.isNarrow() ? "#chart" : "";
  if (isNew) history.pushState({ symbol }, "", `${watchlist.addressOf(symbol)}${hash}`);
  if (layout.isNarrow()) layout.show("chart");
  layout.closeDrawer();
  document.title = `${symbol} · Openfloor`;
  if (symbol === store.symbol) return;
  store.symbol = symbol;
  live.subscribe([symbol]);
  tell("symbol", symbol);
}

function ready(side) {
  placing.leave();
  if (layout.isNarrow()) layout.show("trade");
  ticket.take(side);
}

/** Return what fills the ticket in to end a position: `fill(side, quantity)` is the ticket's part. */
function fillIn(fill) {
  return ({ symbol, side, qty_available: available }) => {
    const back = side === "short" ? "buy" : "sell";
    const quantity = money.parse(available);
    select(symbol);
    ready(back);
    fill(back, money.text(quantity < 0n ? -quantity : quantity));
  };
}

function pick(price) {
  placing.leave();
  ticket.takeLimit(price);
}

layout.begin();
watchlist.begin({ lists: start.watchlists, select });
live.subscribe([store.symbol]);
quote.begin({ pick });
ladder.begin({ pick });
tape.begin();
ticket.begin({ review: placing.review });
placing.begin({ again: ticket.empty, blame: ticket.blame, isField: ticket.isField });
positions.begin({
  select,
  close: fillIn(ticket.close),
  protect: fillIn(ticket.protect),
});
orders.begin({ select });
activity.begin();
chart.begin({ propose: orders.propose });
tell("symbol", store.symbol);
tell("account", store.account);

history.replaceState({ symbol: store.symbol }, "");
window.addEventListener("popstate", (event) => {
  if (event.state?.symbol) select(event.state.symbol, { isNew: false });
});

offer({
  keys: "/",
  words: "Search a symbol",
  run() {
    layout.showRail();
    $("#search").focus();
  },
});
offer({ keys: "b", words: "Buy: fill in the ticket", run: () => ready("buy") });
offer({ keys: "s", words: "Sell: fill in the ticket", run: () => ready("sell") });
offer({
  keys: "Escape",
  words: "Step back, or leave a field",
  run() {
    if (!placing.leave()) document.activeElement?.blur();
  },
});
offer({ keys: "Alt ↑ ↓", words: "Move the symbol in the watchlist that has the focus" });
offer({ keys: "Delete", words: "Stop watching the symbol in the watchlist that has the focus" });
offer({ keys: "↑ ↓", words: "Move in a list; change a quantity or a price by a step (Shift: ten)" });
