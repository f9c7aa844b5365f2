// Which terms of an order go together. Pure: the ticket shows what fits, and nothing else.

const LIMITED = new Set(["limit", "stop_limit"]);
const TIMES = {
  market: ["day", "gtc", "ioc", "fok", "opg", "cls"],
  limit: ["day", "gtc", "ioc", "fok", "opg", "cls"],
  stop: ["day", "gtc"],
  stop_limit: ["day", "gtc"],
  trailing_stop: ["day", "gtc"],
  oco: ["gtc", "day"],
};
const RESTING = new Set(["day", "gtc"]);

/**
 * Return what fits a choice of kind, side and time in force, as { part: whether it fits } by the
 * names of the ticket's parts, and `times`, the times in force that there are for the kind.
 * `holding` says what there is of the symbol now: "long", "short" or "". What opens a position can
 * have exits; two exits alone (oco) close one that is there.
 */
export function fitting({ kind, side, timeInForce, isByValue, hasExits, hasLoss, isExtended, holding, canShort, instrument }) {
  const isOco = kind === "oco";
  const rests = RESTING.has(timeInForce);
  const isRestingLimit = kind === "limit" && rests;
  const canBeByValue = instrument.fractionable && (kind === "market" || kind === "limit");
  const canBeExtended = isRestingLimit && instrument.has_closed_hours;
  // What was chosen first keeps the other away: a value or extended hours, or exits.
  const isTaken = (canBeByValue && isByValue) || (canBeExtended && isExtended);
  const opens = side === "buy" ? holding !== "short" : canShort && holding !== "long";
  const exits = opens && kind !== "trailing_stop" && rests && !isTaken;
  return {
    times: TIMES[kind],
    oco: side === "buy" ? holding === "short" : holding !== "short",
    by: canBeByValue && !(exits && hasExits),
    stop_price: kind === "stop" || kind === "stop_limit",
    trail: kind === "trailing_stop",
    limit_price: LIMITED.has(kind),
    exits: exits || isOco,
    "exits-pick": !isOco,
    stop_loss_limit: isOco || (exits && hasLoss),
    advanced: isRestingLimit,
    extended_hours: canBeExtended && !(exits && hasExits),
    post_only: isRestingLimit,
  };
}

/** Return the class of an order with these exits: how many orders it makes. */
export function classOf({ kind, takeProfit, stopLoss }) {
  if (kind === "oco") return "oco";
  if (takeProfit !== null && stopLoss !== null) return "bracket";
  return takeProfit !== null || stopLoss !== null ? "oto" : "simple";
}

/** Return the side on which a draft's exits trade: what was bought is sold, what was sold bought back. */
export const exitSide = ({ kind, side }) => {
  if (kind === "oco") return side;
  return side === "buy" ? "sell" : "buy";
};
