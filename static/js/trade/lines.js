// The open orders and the position of the symbol, as lines on the chart.

import { LineStyle } from "../../vendor/lightweight-charts.standalone.production.mjs";
import * as money from "../money.js";
import { store } from "../store.js";
import * as words from "../words.js";

const drawn = new Map(); // key -> { line, look }

/** Bring the lines of `series` in step with the store; `colours` by the names of the tokens. */
export function draw(series, colours) {
  const wanted = new Map(wantedLines(colours).map((line) => [line.key, line]));
  for (const [key, { line }] of drawn) {
    if (wanted.has(key)) continue;
    series.removePriceLine(line);
    drawn.delete(key);
  }
  for (const [key, { options }] of wanted) {
    const look = JSON.stringify(options);
    const known = drawn.get(key);
    if (!known) drawn.set(key, { line: series.createPriceLine(options), look });
    else if (known.look !== look) {
      known.line.applyOptions(options);
      known.look = look;
    }
  }
}

/** Return the scale with the lines in sight that are no further off than the bars are high. */
export function widen(info) {
  if (!info?.priceRange) return info;
  const { minValue, maxValue } = info.priceRange;
  const reach = maxValue - minValue;
  const near = [...drawn.values()]
    .map(({ line }) => line.options().price)
    .filter((price) => price >= minValue - reach && price <= maxValue + reach);
  return {
    ...info,
    priceRange: { minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near) },
  };
}

function wantedLines(colours) {
  const mine = (store.openOrders ?? []).filter(({ symbol }) => symbol === store.symbol);
  const position = store.positions?.find(({ symbol }) => symbol === store.symbol);
  return [
    ...mine.flatMap((order) => linesOf(order, colours)),
    ...(position ? [heldLine(position, colours)] : []),
  ];
}

/** A limit is dashed, a stop dotted; what waits for another order of its group is grey. */
function linesOf(order, colours) {
  const isWaiting = Boolean(order.head) && order.state === "held" && order.status === "held";
  const side = order.side === "buy" ? colours.up : colours.down;
  const color = isWaiting ? colours["text-3"] : side;
  const what = order.role && order.role !== "entry" ? words.role(order.role) : words.side(order.side);
  const line = (kind, price, lineStyle) => ({
    key: `${order.id}:${kind}`,
    options: {
      price: Number(price), color, lineStyle, lineWidth: 1, axisLabelVisible: true,
      title: `${what}${kind === "stop" && order.role !== "stop_loss" ? " stop" : ""} ${words.size(order)}`,
    },
  });
  const follows = words.trailingStop(order);
  const stop = follows === null ? order.stop_price : money.text(follows);
  return [
    ...(order.limit_price ? [line("limit", order.limit_price, LineStyle.Dashed)] : []),
    ...(stop && !order.triggered_at ? [line("stop", stop, LineStyle.Dotted)] : []),
  ];
}

const heldLine = ({ avg_entry_price: average, qty }, colours) => ({
  key: "position",
  options: {
    price: Number(average), color: colours["line-strong"], lineStyle: LineStyle.Dotted, lineWidth: 1,
    axisLabelVisible: true, title: `${money.quantity(qty)} held`,
  },
});
