/** What something costs and what it gives: less of the one and more of the other is better. */
export interface CostedValue {
  readonly cost: number
  readonly value: number
}

/**
 * Places of the points that no other one beats: none costs less and gives as much, or costs as much and gives more. Cheapest first;
 * of equal points all are there, in their order.
 */
export function paretoFront(points: readonly CostedValue[]): readonly number[] {
  const order = points
    .map((_, place) => place)
    .sort((a, b) => points[a].cost - points[b].cost || points[b].value - points[a].value || a - b)
  const front: number[] = []
  let best: CostedValue = { cost: -Infinity, value: -Infinity }
  for (const place of order) {
    const { cost, value } = points[place]
    if (value > best.value) best = points[place]
    else if (value < best.value || cost > best.cost) continue
    front.push(place)
  }
  return front
}
