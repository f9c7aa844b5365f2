// How the account's value went. As in the trade page's chart, amounts become floats: pixels alone.

import {
  AreaSeries,
  createChart,
  CrosshairMode,
} from "../../vendor/lightweight-charts.standalone.production.mjs";
import * as choice from "../choice.js";
import { $, eachFrame, kept, make, put, setDirection } from "../dom.js";
import * as http from "../http.js";
import * as money from "../money.js";
import * as palette from "../palette.js";
import { on, store } from "../store.js";

const PERIODS = [
  { name: "1D", timeframe: "5Min", words: "today" },
  { name: "1W", timeframe: "15Min", words: "in a week" },
  { name: "1M", timeframe: "1H", words: "in a month" },
  { name: "3M", timeframe: "1D", words: "in three months" },
  { name: "1A", label: "1Y", timeframe: "1D", words: "in a year" },
  { name: "all", label: "All", timeframe: "1D", words: "since the account was opened" },
];
const AGAIN_MS = 60_000;
const TOKENS = ["bg-1", "line", "line-strong", "text-2", "text-3", "accent"];

const place = $("#curve-place");
const notice = $("#curve-notice");
const gain = $("#curve-gain");
const about = $("#curve-about");

let period = PERIODS.find(({ name }) => name === kept.read("curve", "1D")) ?? PERIODS[0];
let points = []; // { time, value, profit, ratio }, oldest first
let totalThen = null; // the total profit when they were loaded
let loading = null;
let chart;
let line;

export function begin() {
  chart = createChart($("#curve"), {
    autoSize: true,
    crosshair: { mode: CrosshairMode.Magnet },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.08 } },
    timeScale: { borderVisible: false, fixLeftEdge: true, fixRightEdge: true, tickMarkFormatter: tickText },
    localization: { timeFormatter: momentText, priceFormatter: (value) => money.money(value.toFixed(2)) },
    handleScroll: false,
    handleScale: false,
  });
  line = chart.addSeries(AreaSeries, { lineWidth: 2, priceLineVisible: false });
  paint();
  palette.onChange(paint);
  chart.subscribeCrosshairMove(({ time }) => showFigures(time));
  beginPeriods();
  on("account", eachFrame(showNow));
  on("connection", (state) => state === "live" && points.length && load());
  on("activity", (events) => points.length || (events.some(({ kind }) => kind.startsWith("money.")) && load()));
  setInterval(() => document.hidden || load(), AGAIN_MS);
  load();
}

function paint() {
  const colours = palette.read(TOKENS, place);
  chart.applyOptions(palette.chartOptions(colours));
  line.applyOptions({
    lineColor: colours.accent,
    topColor: palette.faded(colours.accent, 0.24),
    bottomColor: palette.faded(colours.accent, 0.02),
  });
}

function beginPeriods() {
  const options = PERIODS.map((each) => ({ ...each, title: `Change ${each.words}` }));
  choice.begin($("#periods"), options, {
    chosen: period,
    pick(chosen) {
      period = chosen;
      kept.write("curve", chosen.name);
      load();
    },
  });
}

// --- Loading -----------------------------------------------------------------------------------------

async function load() {
  loading?.abort();
  const mine = new AbortController();
  loading = mine;
  try {
    const found = await http.get(
      "/api/v1/account/portfolio/history",
      { period: period.name, timeframe: period.timeframe, pnl_reset: "no_reset", intraday_reporting: "continuous" },
      { signal: mine.signal },
    );
    if (mine.signal.aborted) return;
    points = pointsOf(found);
    totalThen = money.parse(store.account?.total_pl);
    show();
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!(error instanceof http.ApiError)) throw error;
    if (!points.length) say(`The curve could not be loaded. ${error.message}`, load);
  }
}

/** Leave out what was before there was anything: a line along zero says nothing. */
function pointsOf({ timestamp, equity, profit_loss: profits, profit_loss_pct: ratios }) {
  const all = timestamp.map((time, index) => ({
    time,
    value: equity[index],
    profit: profits[index],
    ratio: ratios[index],
  }));
  const first = all.findIndex(({ value, profit }) => value !== 0 || profit !== 0);
  return first < 0 ? [] : all.slice(first);
}

function show() {
  if (!points.length) {
    say("The account has no history yet. The curve begins with the first money.");
    line.setData([]);
    put(gain, "");
    put(about, "");
    return;
  }
  say("");
  chart.applyOptions({ timeScale: { timeVisible: period.timeframe !== "1D" } });
  line.applyOptions({ pointMarkersVisible: points.length < 3 });
  line.setData(points.map(({ time, value }) => ({ time, value })));
  chart.timeScale().fitContent();
  showFigures();
  describe();
}

/** Between two loads the last value follows the account. */
function showNow() {
  const last = points.at(-1);
  const total = money.parse(store.account?.total_pl);
  if (!last || total === null || totalThen === null) return;
  last.profit += Number(money.text(total - totalThen));
  last.value = Number(store.account.equity);
  totalThen = total;
  line.update({ time: last.time, value: last.value });
  showFigures();
}

// --- What is said about it ---------------------------------------------------------------------------

function say(words, retry = null) {
  notice.hidden = !words;
  notice.replaceChildren();
  if (!words) return;
  notice.append(make("p", {}, words));
  if (retry) notice.append(make("button", { type: "button", class: "button button--small", onclick: retry }, "Try again"));
}

/** Say what was gained until `time`, or until now. */
function showFigures(time = null) {
  const point = (time && points.find((each) => each.time === time)) || points.at(-1);
  if (!point) return;
  const profit = point.profit.toFixed(2);
  const ratio = point.ratio === null ? "" : ` (${money.ratio(point.ratio.toFixed(6))})`;
  put(gain, `${money.signedMoney(profit)}${ratio}`);
  setDirection(gain, money.direction(profit));
  const when = point === points.at(-1) ? period.words : `by ${momentText(point.time)}`;
  put(about, `${when}, without deposits and withdrawals`);
}

function describe() {
  const values = points.map(({ value }) => value);
  const [low, high, last] = [Math.min(...values), Math.max(...values), values.at(-1)].map((value) => money.money(value.toFixed(2)));
  $("#curve").setAttribute("aria-label", `Account value ${period.words}: now ${last} USD, lowest ${low}, highest ${high}.`);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const MOMENT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
// Days are New York's: their midnight there may be the evening before here.
const NEW_YORK_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "America/New_York" });
const NEW_YORK_DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "America/New_York" });

function tickText(seconds, kind) {
  const at = new Date(seconds * 1000);
  if (period.timeframe === "1D") return NEW_YORK_DAY.format(at);
  return kind >= 3 ? CLOCK.format(at) : DAY.format(at); // the library's kinds: year, month, day, then times
}

function momentText(seconds) {
  const at = new Date(seconds * 1000);
  return period.timeframe === "1D" ? NEW_YORK_DATE.format(at) : MOMENT.format(at);
}
