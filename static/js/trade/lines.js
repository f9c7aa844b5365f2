// The open orders and the position of the symbol, as lines on the chart.

import { LineStyle } from "../../vendor/lightweight-charts.standalone.production.mjs";
import * as money from "../money.js";
import { store } from "../store.js";
import * as words from "../words.js";

const drawn = new Map(); // key -> { line, look, move }

/** Bring the lines of `series` in step with the store; `colours` by the names of the tokens. */
export function draw(series, colours) {
  const wanted = new Map(wantedLines(colours).map((line) => [line.key, line]));
  for (const [key, { line }] of drawn) {
    if (wanted.has(key)) continue;
    series.removePriceLine(line);
    drawn.delete(key);
  }
  for (const [key, { options, move = null }] of wanted) {
    const look = JSON.stringify(options);
    const known = drawn.get(key);
    if (!known) drawn.set(key, { line: series.createPriceLine(options), look, move });
    else {
      if (known.look !== look) known.line.applyOptions(options);
      Object.assign(known, { look, move });
    }
  }
}

/** Return the lines that stand for the price of one order which can be changed. */
export const movable = () =>
  [...drawn.values()]
    .filter(({ move }) => move)
    .map(({ line, move }) => ({ line, ...move, price: line.options().price }));

/** Put a line that was dragged back to what its order says. */
export function putBack(line) {
  const known = [...drawn.values()].find((each) => each.line === line);
  if (known) line.applyOptions(JSON.parse(known.look));
}

/** Return the scale with the lines in sight that are no further off than the bars are high. */
export function widen(info) {
  if (!info?.priceRange) return info;
  const { minValue, maxValue } = info.priceRange;
  const reach = maxValue - minValue;
  const isNear = (line) => {
    const { price } = line.options();
    return price >= minValue - reach && price <= maxValue + reach;
  };
  const all = [...drawn.values()].map(({ line }) => line);
  const near = all.filter(isNear).map((line) => line.options().price);
  // The labels of others would stand at the edge, and seem to be there.
  const wrong = all.filter((line) => line.options().axisLabelVisible !== isNear(line));
  if (wrong.length) queueMicrotask(() => wrong.forEach((line) => line.applyOptions({ axisLabelVisible: isNear(line) })));
  return {
    ...info,
    priceRange: { minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near) },
  };
}

function wantedLines(colours) {
  const mine = (store.openOrders ?? []).filter(({ symbol }) => symbol === store.symbol);
  const position = store.positions?.find(({ symbol }) => symbol === store.symbol);
  const places = Map.groupBy(mine.flatMap(placesOf), ({ key }) => key);
  return [
    ...[...places].map(([key, same]) => orderLine(key, same, colours)),
    ...(position ? [heldLine(position, colours)] : []),
  ];
}

/** Whether nothing was traded yet of what the order is to close again. */
function waits({ head }) {
  const entry = store.openOrders.find(({ id, role }) => id === head && role === "entry");
  return Boolean(entry) && money.parse(entry.filled_qty) === 0n;
}

/** Where an order stands on the chart; orders with the same key are one line. */
function placesOf(order) {
  const isWaiting = waits(order);
  const what = order.role && order.role !== "entry" ? words.role(order.role) : words.side(order.side);
  const place = (kind, price) => ({
    key: [kind, order.side, what, price, isWaiting].join(),
    order, kind, price, isWaiting,
    what: kind === "stop" && order.role !== "stop_loss" ? `${what} stop` : what,
  });
  const follows = words.trailingStop(order);
  const stop = follows === null ? order.stop_price : money.text(follows);
  return [
    ...(order.limit_price ? [place("limit", order.limit_price)] : []),
    ...(stop && !order.triggered_at ? [place("stop", stop)] : []),
  ];
}

/** A limit is dashed, a stop dotted; what waits for another order is grey. */
function orderLine(key, same, colours) {
  const [{ order, kind, price, isWaiting, what }] = same;
  const side = order.side === "buy" ? colours.up : colours.down;
  const sum = same.reduce((total, { order: { qty } }) => total + (money.parse(qty) ?? 0n), 0n);
  const size = same.length === 1 ? words.size(order) : `${money.quantity(money.text(sum))} in ${same.length}`;
  const isOne = same.length === 1 && words.isChangeable(order) && order.type !== "trailing_stop";
  return {
    key,
    move: isOne ? { order, field: `${kind}_price` } : null,
    options: {
      price: Number(price),
      color: isWaiting ? colours["text-3"] : side,
      lineStyle: kind === "limit" ? LineStyle.Dashed : LineStyle.Dotted,
      lineWidth: 1,
      axisLabelVisible: true,
      title: `${what} ${size}`,
    },
  };
}

const heldLine = ({ avg_entry_price: average, qty }, colours) => ({
  key: "position",
  options: {
    price: Number(average), color: colours["line-strong"], lineStyle: LineStyle.Dotted, lineWidth: 1,
    axisLabelVisible: true, title: qty.startsWith("-") ? `${money.quantity(qty.slice(1))} short` : `${money.quantity(qty)} held`,
  },
});
