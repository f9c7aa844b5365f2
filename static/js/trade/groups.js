// Which orders belong together: an entry and its exits, or two exits. Pure.

/**
 * Return the orders one by one, legs after the order that they came with. A leg says by `head`
 * the id of that order, and every order of a group by `role` what it is there.
 */
export function unfold(orders) {
  return orders.flatMap((order) => {
    const { legs, ...head } = order;
    if (!legs?.length) return [{ ...head, ...placeOf(head) }];
    const role = head.order_class === "oco" ? "take_profit" : "entry";
    return [
      { ...head, role, head: null },
      ...legs.map((leg) => ({ ...leg, role: exitOf(leg), head: head.id })),
    ];
  });
}

// A leg that comes without its head is an exit all the same.
const placeOf = (order) => (order.order_class === "simple" ? { role: "", head: null } : { role: exitOf(order) });

/** Return which exit a leg is, by its type. */
export const exitOf = ({ type }) => (type === "limit" ? "take_profit" : "stop_loss");

/** Return the orders with every leg right after its head; the heads in the order given. */
export function together(orders) {
  const heads = new Set(orders.map(({ id }) => id));
  const legs = Map.groupBy(
    orders.filter(({ head }) => heads.has(head)),
    ({ head }) => head,
  );
  return orders
    .filter(({ head }) => !heads.has(head))
    .flatMap((order) => [order, ...(legs.get(order.id) ?? []).map((leg) => ({ ...leg, isIndented: true }))]);
}
