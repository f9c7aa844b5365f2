// Candles and volume. The one place where prices become floats: they are pixels from here on.

import {
  CandlestickSeries,
  createChart,
  CrosshairMode,
  HistogramSeries,
} from "../../vendor/lightweight-charts.standalone.production.mjs";
import * as choice from "../choice.js";
import { $, eachFrame, kept, make, put } from "../dom.js";
import * as http from "../http.js";
import { offer } from "../keys.js";
import * as money from "../money.js";
import * as steps from "../price-steps.js";
import * as palette from "../palette.js";
import { on, store } from "../store.js";
import * as dragging from "./dragging.js";
import * as indicators from "./indicators.js";
import * as lines from "./lines.js";

const TIMEFRAMES = [
  { name: "1m", wire: "1Min", seconds: 60, title: "Bars of 1 minute" },
  { name: "5m", wire: "5Min", seconds: 300, title: "Bars of 5 minutes" },
  { name: "15m", wire: "15Min", seconds: 900, title: "Bars of 15 minutes" },
  { name: "30m", wire: "30Min", seconds: 1800, title: "Bars of 30 minutes" },
  { name: "1h", wire: "1Hour", seconds: 3600, title: "Bars of 1 hour" },
  { name: "1D", wire: "1Day", seconds: 86400, title: "Bars of 1 day", isDaily: true },
  { name: "1W", wire: "1Week", seconds: 604800, title: "Bars of 1 week", isDaily: true },
];
const BARS_FIRST = 500;
const BARS_MAX = 5000;
const BARS_SHOWN = 120;
const TOKENS = ["bg-1", "line", "line-strong", "text-2", "text-3", "up", "down", "accent", "warn"];

const place = $("#chart-place");
const legend = $("#chart-legend");
const notice = $("#chart-notice");

let chart;
let candles;
let volumes;
let frame = TIMEFRAMES.find(({ name }) => name === kept.read("timeframe", "1m")) ?? TIMEFRAMES[0];
let bars = []; // { time, open, high, low, close, volume }, oldest first
let colours = {};
let loading = null; // aborts a load that a later choice overtakes
let hasAllOlder = false;
let hasFailed = false;
let dayVolume = null;

/** `propose(id, field, price)` is told where the line of an order was dragged to. */
export function begin({ propose }) {
  chart = createChart($("#chart"), {
    autoSize: true,
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.22 } },
    timeScale: {
      borderVisible: false,
      timeVisible: true,
      rightOffset: 4,
      tickMarkFormatter: tickText,
    },
    localization: { timeFormatter: crosshairText },
  });
  candles = chart.addSeries(CandlestickSeries, {
    borderVisible: false,
    autoscaleInfoProvider: (fit) => lines.widen(fit()),
  });
  volumes = chart.addSeries(HistogramSeries, {
    priceScaleId: "",
    priceFormat: { type: "volume" },
    lastValueVisible: false,
    priceLineVisible: false,
  });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  indicators.begin(chart, () => ({ bars, colours, isDaily: frame.isDaily, priceFormat: priceFormat(), words: priceWords }));
  paint();
  chart.subscribeCrosshairMove(({ time, seriesData }) => {
    showLegend(time);
    indicators.showValues(time ? seriesData : null);
  });
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    if (range && range.from < 20) loadOlder();
  });
  dragging.begin($("#chart"), candles, {
    hold: (isHeld) => chart.applyOptions({ handleScroll: !isHeld, handleScale: !isHeld }),
    propose,
  });
  beginTimeframes();
  palette.onChange(paint);
  on("symbol", load);
  on("quotes", takeQuotes);
  on("lines", drawLines);
  on("connection", (state) => {
    if (state !== "live") return;
    if (bars.length) catchUp();
    else if (hasFailed) load();
  });
}

function paint() {
  colours = palette.read(TOKENS, place);
  chart.applyOptions(palette.chartOptions(colours));
  candles.applyOptions({
    upColor: colours.up,
    downColor: colours.down,
    wickUpColor: colours.up,
    wickDownColor: colours.down,
  });
  if (bars.length) volumes.setData(bars.map(volumeOf));
  indicators.showAll();
  drawLines();
}

const volumeOf = (bar) => ({
  time: bar.time,
  value: bar.volume,
  color: palette.faded(bar.close >= bar.open ? colours.up : colours.down),
});

const instrumentNow = () => store.instruments.get(store.symbol);
/** An axis has one precision: that of the prices where the chart ends. */
const digitsNow = () => steps.places(instrumentNow(), bars.at(-1)?.close.toFixed(9) ?? store.quotes.get(store.symbol)?.last);
const priceFormat = () => ({ type: "price", precision: digitsNow(), minMove: 10 ** -digitsNow() });

/** Return a price of the chart as the page writes prices. */
function priceWords(value) {
  const digits = Math.max(digitsNow(), value > 0 ? steps.places(instrumentNow(), value.toFixed(9)) : 0);
  return money.price(value.toFixed(digits), digits);
}

// --- Loading ---------------------------------------------------------------------------------------

const barOf = ({ t, o, h, l, c, v }) => ({
  time: Date.parse(t) / 1000,
  open: o,
  high: h,
  low: l,
  close: c,
  volume: v,
});

async function fetchBars(parameters, signal) {
  const answer = await http.get(
    "/api/v1/bars",
    { symbol: store.symbol, timeframe: frame.wire, ...parameters },
    { signal },
  );
  return answer.bars.map(barOf);
}

async function load() {
  loading?.abort();
  const mine = new AbortController();
  loading = mine;
  bars = [];
  hasAllOlder = false;
  hasFailed = false;
  dayVolume = null;
  candles.setData([]);
  volumes.setData([]);
  indicators.showAll();
  drawLines();
  put(legend, "");
  chart.applyOptions({
    timeScale: { timeVisible: !frame.isDaily },
    localization: { priceFormatter: priceWords },
  });
  say("Loading bars…");
  try {
    bars = await fetchBars({ limit: BARS_FIRST }, mine.signal);
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!(error instanceof http.ApiError)) throw error;
    hasFailed = true;
    say(`The chart could not be loaded. ${error.message}`, load);
    return;
  }
  if (mine.signal.aborted) return;
  if (!bars.length) {
    say(`${store.symbol} has not traded yet. The chart begins with its first trade.`);
    return;
  }
  say("");
  candles.applyOptions({ priceFormat: priceFormat() });
  showAll();
  chart.timeScale().setVisibleLogicalRange({ from: bars.length - BARS_SHOWN, to: bars.length + 4 });
}

/** After a lost connection, fetch what was missed. */
async function catchUp() {
  const since = bars.at(-1).time;
  const mine = loading;
  try {
    const missed = await fetchBars({ start: new Date(since * 1000).toISOString(), limit: 1000 }, mine.signal);
    if (mine !== loading) return;
    bars = [...bars.filter(({ time }) => time < since), ...missed];
    showAll();
  } catch (error) {
    if (!mine.signal.aborted && !(error instanceof http.ApiError)) throw error;
  }
}

let isLoadingOlder = false;

async function loadOlder() {
  if (isLoadingOlder || hasAllOlder || !bars.length || bars.length >= BARS_MAX) return;
  isLoadingOlder = true;
  const mine = loading;
  try {
    const end = new Date(bars[0].time * 1000 - 1).toISOString();
    const older = await fetchBars({ end, limit: BARS_FIRST }, mine.signal);
    if (mine !== loading) return;
    const first = bars[0].time;
    const added = older.filter(({ time }) => time < first);
    hasAllOlder = added.length === 0;
    if (hasAllOlder) return;
    bars = [...added, ...bars];
    const range = chart.timeScale().getVisibleLogicalRange();
    showAll();
    if (range) {
      chart.timeScale().setVisibleLogicalRange({
        from: range.from + added.length,
        to: range.to + added.length,
      });
    }
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!(error instanceof http.ApiError)) throw error;
    hasAllOlder = true; // do not ask again with every pixel that is scrolled
  } finally {
    isLoadingOlder = false;
  }
}

function showAll() {
  candles.setData(bars);
  volumes.setData(bars.map(volumeOf));
  indicators.showAll();
  showLegend();
  describe();
}

// --- Live --------------------------------------------------------------------------------------------

const showLast = eachFrame(() => {
  const bar = bars.at(-1);
  if (!bar) return;
  candles.update(bar);
  volumes.update(volumeOf(bar));
  indicators.showLast();
  showLegend();
});

function takeQuotes(quotes) {
  const quote = quotes.find(({ symbol }) => symbol === store.symbol);
  if (!quote?.last || !bars.length) return;
  const price = Number(quote.last);
  const volume = Number(quote.day_volume);
  const traded = dayVolume === null ? 0 : Math.max(0, volume - dayVolume);
  const isFirst = dayVolume === null;
  dayVolume = volume;
  const last = bars.at(-1);
  if (!isFirst && traded === 0 && price === last.close) return;
  const start = startOf(Date.parse(quote.at) / 1000, last.time);
  if (start > last.time) {
    if (isFirst || traded === 0) return; // a bar begins with a trade, not with a quote
    bars.push({ time: start, open: price, high: price, low: price, close: price, volume: traded });
  } else if (start === last.time) {
    last.high = Math.max(last.high, price);
    last.low = Math.min(last.low, price);
    last.close = price;
    last.volume += traded;
  }
  showLast();
}

const NEW_YORK_DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York" });

/** Return when the bar of `seconds` begins; days and weeks are New York's, and keep the time of the bar. */
function startOf(seconds, last) {
  if (frame.wire === "1Week") return seconds < last + frame.seconds ? last : last + frame.seconds;
  if (!frame.isDaily) return Math.floor(seconds / frame.seconds) * frame.seconds;
  const dayOf = (at) => NEW_YORK_DAY.format(new Date(at * 1000));
  return dayOf(seconds) === dayOf(last) ? last : last + frame.seconds;
}

// --- What is said about it ---------------------------------------------------------------------------

function say(words, retry = null) {
  notice.hidden = !words;
  notice.replaceChildren();
  if (!words) return;
  notice.append(make("p", {}, words));
  if (retry) {
    notice.append(make("button", { type: "button", class: "button button--small", onclick: retry }, "Try again"));
  }
}

function showLegend(time = null) {
  const bar = (time && bars.find((each) => each.time === time)) || bars.at(-1);
  if (!bar) return;
  const [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(priceWords);
  put(
    legend,
    `O ${open}  H ${high}  L ${low}  C ${close}  ` +
      `V ${money.quantity(String(Number(bar.volume.toFixed(6))))}`,
  );
}

function describe() {
  const digits = digitsNow();
  const low = Math.min(...bars.map((bar) => bar.low)).toFixed(digits);
  const high = Math.max(...bars.map((bar) => bar.high)).toFixed(digits);
  $("#chart").setAttribute(
    "aria-label",
    `Price chart of ${store.symbol}, ${bars.length} ${frame.title.toLowerCase()}, from ${low} to ${high}.`,
  );
}

const drawLines = () => lines.draw(candles, colours);

// --- Timeframes and times ----------------------------------------------------------------------------

function beginTimeframes() {
  const press = choice.begin($("#timeframes"), TIMEFRAMES, {
    chosen: frame,
    pick(chosen) {
      frame = chosen;
      kept.write("timeframe", chosen.name);
      load();
    },
  });
  for (const each of TIMEFRAMES) offer({ words: `Chart: ${each.title.toLowerCase()}`, run: () => press(each) });
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const MONTH = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const LONG_DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "America/New_York" });

function tickText(seconds, kind) {
  const at = new Date(seconds * 1000);
  if (kind >= 3) return CLOCK.format(at); // the library's kinds: year, month, day, then times
  return kind === 2 ? DAY.format(at) : MONTH.format(at);
}

function crosshairText(seconds) {
  const at = new Date(seconds * 1000);
  return frame.isDaily ? LONG_DAY.format(at) : MOMENT.format(at);
}
