import { compareIds, invariant } from '@kvasir/kernel'
import { boundsFor, isHealthy } from './bounds.js'
import { NO_CARRY } from './carry.js'
import type { Condition, Division, DivisionInput } from './division.js'

/** Halvings of the level: from 2^53 to below one part in 2^60 of it. */
const HALVINGS = 114

/**
 * Dominant resource fairness (Ghodsi et al., NSDI 2011), weighted, with floors and caps: one input per resource (tokens of a
 * round, bundles of the pool), over the same claims in the same order, as every resource has its own demands, guarantees and limits.
 *
 * A claim uses its resources in the proportion of what it could use of each at most, so one number, its *progress* in 0..1, says
 * all. Its dominant share is the largest fraction of any resource it has. Dominant shares over weights rise together until a
 * resource is full; who uses that resource stops, the others go on.
 *
 * Amounts are whole, at most the exact ones rounded up, and never add up to more than there is. They may add up to
 * less: progress stops where one resource ends, whatever is left of the other. `level` is the dominant share per weight at
 * which the first resource filled up.
 */
export function divideDominant(inputs: readonly DivisionInput[]): readonly Division[] {
  const resources = inputs.map(loadResource)
  const size = inputs[0]?.claims.length ?? 0
  for (const { claims } of inputs)
    invariant(
      claims.length === size && claims.every((claim, i) => claim.id === inputs[0].claims[i].id),
      () => 'every resource must be claimed by the same claims in the same order',
    )
  const rates = inputs[0]?.claims.map((claim, i) => claim.weight / dominantShareOf(resources, i)) ?? []
  const floors = scaledFloors(resources, size)

  const progress = floors.slice()
  const rising = rates.map((_, i) => resources.some((resource) => resource.caps[i] > 0))
  let level: number | null = null
  while (rising.includes(true)) {
    const stop = levelThatFillsOne(resources, rates, floors, progress, rising)
    rising.forEach((still, i) => {
      if (still) progress[i] = progressAt(stop, rates[i], floors[i])
    })
    level ??= stop === Infinity ? null : stop
    freeze(resources, progress, rising, stop)
  }
  return inputs.map((input, r) => divisionOf(input, resources[r], progress, level))
}

/** Level at which every claim is sated. */
const SATED = 2 ** 53

interface Resource {
  readonly capacity: number
  readonly caps: readonly number[]
  readonly floors: readonly number[]
}

function loadResource(input: DivisionInput): Resource {
  const { capacity, claims } = input
  const { shareMax } = boundsFor(input)
  const caps = claims.map((claim) =>
    isHealthy(claim) ? Math.min(claim.limit, claim.demand, shareMax, capacity) : 0,
  )
  return { capacity, caps, floors: claims.map((claim, i) => Math.min(claim.guarantee, caps[i])) }
}

/** Largest fraction of a resource the claim would have at full progress; Infinity when it wants nothing. */
function dominantShareOf(resources: readonly Resource[], claim: number): number {
  let share = 0
  for (const { capacity, caps } of resources)
    if (capacity > 0) share = Math.max(share, caps[claim] / capacity)
  return share === 0 ? Infinity : share
}

/** Progress that each claim's guarantees ask for, scaled down together where they don't fit. */
function scaledFloors(resources: readonly Resource[], size: number): number[] {
  const floors: number[] = []
  for (let i = 0; i < size; i++) {
    let floor = 0
    for (const resource of resources)
      if (resource.caps[i] > 0) floor = Math.max(floor, resource.floors[i] / resource.caps[i])
    floors.push(floor)
  }
  let fit = 1
  for (const resource of resources) {
    const asked = sum(floors.map((floor, i) => floor * resource.caps[i]))
    if (asked > resource.capacity) fit = Math.min(fit, resource.capacity / asked)
  }
  return floors.map((floor) => floor * fit)
}

function progressAt(level: number, rate: number, floor: number): number {
  return Math.min(1, Math.max(floor, level === Infinity ? 1 : level * rate))
}

/** Highest level at which every resource still suffices; Infinity when everybody can be sated. */
function levelThatFillsOne(
  resources: readonly Resource[],
  rates: readonly number[],
  floors: readonly number[],
  progress: readonly number[],
  rising: readonly boolean[],
): number {
  const fits = (level: number): boolean =>
    resources.every(
      ({ caps, capacity }) =>
        sum(caps.map((cap, i) => cap * (rising[i] ? progressAt(level, rates[i], floors[i]) : progress[i]))) <=
        capacity,
    )
  if (fits(Infinity)) return Infinity
  let low = 0
  let high = SATED
  for (let k = 0; k < HALVINGS; k++) {
    const middle = (low + high) / 2
    if (fits(middle)) low = middle
    else high = middle
  }
  return low
}

/** Stops who is sated and who needs a resource that is full; at least the claims of the fullest one stop. */
function freeze(
  resources: readonly Resource[],
  progress: readonly number[],
  rising: boolean[],
  stop: number,
): void {
  let fullest = 0
  const fill = resources.map(({ caps, capacity }) =>
    capacity === 0 ? 1 : sum(caps.map((cap, i) => cap * progress[i])) / capacity,
  )
  fill.forEach((used, r) => {
    const contested = resources[r].caps.some((cap, i) => cap > 0 && rising[i])
    const champion = resources[fullest].caps.some((cap, i) => cap > 0 && rising[i])
    if (contested && (!champion || used > fill[fullest])) fullest = r
  })
  for (let i = 0; i < rising.length; i++)
    if (stop === Infinity || progress[i] >= 1 || resources[fullest].caps[i] > 0) rising[i] = false
}

/** Whole amounts: floors, then one more each to the largest fractions while the resource has room for all it should give. */
function divisionOf(
  input: DivisionInput,
  resource: Resource,
  progress: readonly number[],
  level: number | null,
): Division {
  const exact = resource.caps.map((cap, i) => cap * progress[i])
  const amounts = exact.map(Math.floor)
  const target = Math.min(resource.capacity, Math.round(sum(exact)))
  const order = amounts
    .map((_, i) => i)
    .filter((i) => amounts[i] < exact[i])
    .sort(
      (a, b) =>
        exact[b] - amounts[b] - (exact[a] - amounts[a]) || compareIds(input.claims[a].id, input.claims[b].id),
    )
  let left = target - sum(amounts)
  for (const i of order) {
    if (left <= 0) break
    amounts[i]++
    left--
  }
  const guaranteed = sum(input.claims.map((claim) => (isHealthy(claim) ? claim.guarantee : 0)))
  const conditions: Condition[] =
    guaranteed > input.capacity
      ? [{ kind: 'guarantees_overcommitted', group: null, guaranteed, capacity: input.capacity }]
      : []
  return { amounts, exact, level, lent: amounts.map(() => 0), conditions, carry: input.carry ?? NO_CARRY }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
