// What is drawn over the candles: moving averages, and the average price by volume of each day.

import { LineSeries, LineStyle } from "../../vendor/lightweight-charts.standalone.production.mjs";
import { $, kept, make, put } from "../dom.js";
import { offer } from "../keys.js";

const NEW_YORK_DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York" });
const dayOf = ({ time }) => NEW_YORK_DAY.format(new Date(time * 1000));

/** Return the mean of the last `length` closes for each bar that has so many. */
function average(bars, length) {
  const points = [];
  let sum = 0;
  bars.forEach(({ time, close }, index) => {
    sum += close;
    if (index >= length) sum -= bars[index - length].close;
    if (index >= length - 1) points.push({ time, value: sum / length });
  });
  return points;
}

/** Return for each bar what a unit cost on average since its day, New York's, began. */
function vwap(bars) {
  let [day, value, volume] = [null, 0, 0];
  return bars.map((bar) => {
    const today = dayOf(bar);
    if (today !== day) [day, value, volume] = [today, 0, 0];
    const price = (bar.high + bar.low + bar.close) / 3;
    value += price * bar.volume;
    volume += bar.volume;
    return { time: bar.time, value: volume ? value / volume : price };
  });
}

/** Return the bars of the day of the last one: its average by volume is of these alone. */
function ofLastDay(bars) {
  const today = dayOf(bars.at(-1));
  return bars.slice(bars.findLastIndex((bar) => dayOf(bar) !== today) + 1);
}

const INDICATORS = [
  { name: "MA 20", title: "Mean of the last 20 closes", colour: "accent", of: (bars) => average(bars, 20), needs: (bars) => bars.slice(-20) },
  { name: "MA 50", title: "Mean of the last 50 closes", colour: "warn", of: (bars) => average(bars, 50), needs: (bars) => bars.slice(-50) },
  { name: "VWAP", title: "Average price of the day so far, by volume", colour: "text-2", of: vwap, needs: ofLastDay, isOfDay: true },
];

const shown = new Map(); // name -> series
const chosen = new Set(kept.read("indicators", []));
const values = new Map(); // name -> the place of its value

let chart = null;
let present = () => ({ bars: [], isDaily: false, colours: {}, priceFormat: {}, words: String });

/** Offer the indicators above the chart; `now()` says what it shows: its bars, colours, format. */
export function begin(made, now) {
  chart = made;
  present = now;
  $("#indicators").append(...INDICATORS.map(button));
  for (const each of INDICATORS) {
    offer({ words: `Chart: ${each.name}, ${each.title.toLowerCase()}`, run: () => turn(each) });
  }
}

function button(indicator) {
  const value = make("span", { class: "number" });
  values.set(indicator.name, value);
  return make(
    "button",
    {
      type: "button", class: "indicator", title: indicator.title, dataset: { name: indicator.name },
      "aria-pressed": String(chosen.has(indicator.name)),
      onclick: () => turn(indicator),
    },
    make("i", { "aria-hidden": "true" }), `${indicator.name} `, value,
  );
}

function turn(indicator) {
  if (!chosen.delete(indicator.name)) chosen.add(indicator.name);
  kept.write("indicators", [...chosen]);
  $(`#indicators [data-name="${indicator.name}"]`).setAttribute("aria-pressed", String(chosen.has(indicator.name)));
  showAll();
}

/** Draw what was chosen over all bars anew. */
export function showAll() {
  const { bars, isDaily, colours, priceFormat } = present();
  for (const each of INDICATORS) {
    const isShown = chosen.has(each.name) && !(each.isOfDay && isDaily);
    $(`#indicators [data-name="${each.name}"]`).hidden = Boolean(each.isOfDay && isDaily);
    if (!isShown && shown.has(each.name)) {
      chart.removeSeries(shown.get(each.name));
      shown.delete(each.name);
    }
    if (!isShown) continue;
    if (!shown.has(each.name)) shown.set(each.name, chart.addSeries(LineSeries, lineOptions()));
    shown.get(each.name).applyOptions({ color: colours[each.colour], priceFormat });
    shown.get(each.name).setData(each.of(bars));
  }
  showValues();
}

/** Carry on what is drawn by the last bar. */
export function showLast() {
  const { bars } = present();
  for (const each of INDICATORS) {
    const point = shown.has(each.name) ? each.of(each.needs(bars)).at(-1) : null;
    if (point) shown.get(each.name).update(point);
  }
}

/** Write the values at the bar under the crosshair, or the last ones. */
export function showValues(seriesData = null) {
  const { words } = present();
  for (const { name } of INDICATORS) {
    const series = shown.get(name);
    const value = series && (seriesData?.get(series)?.value ?? series.data().at(-1)?.value);
    put(values.get(name), value === undefined || value === null ? "" : words(value));
  }
}

const lineOptions = () => ({
  lineWidth: 1, lineStyle: LineStyle.Solid, lastValueVisible: false, priceLineVisible: false,
  crosshairMarkerVisible: false,
});
