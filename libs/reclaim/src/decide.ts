import { invariant } from '@kvasir/kernel'
import { type CheapBundles, takeCheap, takenOf, unusedOf } from './cheap-answers.js'
import { chooseDonors, reachableBundles } from './choose-donors.js'
import { countWithoutDonors, denialOf, type Finding } from './denial.js'
import type { Decision, DecisionNumbers, DonorShare } from './decision.js'
import { type Choice, EXACT_CELLS_MAX, type Pick } from './donor-class.js'
import { liveDonors, reachBound, reclaimable, type ReclaimRule, type Rules } from './eligibility.js'
import { chooseAsKapsl } from './kapsl-chooser.js'
import type { EngineView, PoolView, ReclaimPolicy, ReclaimRequest } from './pool-view.js'
import { grantSentence } from './sentences.js'

export const DEFAULT_RECLAIM_POLICY: ReclaimPolicy = {
  chooser: 'least-cost',
  entitlementFloor: 'guarantee',
  exactCellsMax: EXACT_CELLS_MAX,
}

/**
 * Decides one preemption request on one view of the pool (DESIGN.md §5). Pure: the same three arguments give the same decision, so
 * that `explain` can show it, `what-if` can take it on an edited copy and `replay` can check it.
 *
 * 1. Too big for the pool or over the limit: denied without a search.
 * 2. Free bundles, then leased but unused ones: granted, nobody's work stops.
 * 3. In use: donors above their guarantee, by entitlement when the requester stays within its share, by priority when their work
 *    is strictly lower; the cheapest choice over all donors together.
 * 4. Not everything, but at least `minBundles`: in part.
 */
export function decide(
  request: ReclaimRequest,
  view: PoolView,
  policy: ReclaimPolicy = DEFAULT_RECLAIM_POLICY,
): Decision {
  const least = request.minBundles ?? request.bundles
  invariant(
    Number.isSafeInteger(request.bundles) && least >= 1 && least <= request.bundles,
    () => `${request.id} asks for ${least}..${request.bundles} bundles`,
  )
  const requester = view.engines.find(({ id }) => id === request.engine)
  if (requester === undefined)
    return denialOf({ request, view, numbers: numbersOf(request, view), kind: 'not_registered' })
  const numbers = numbersOf(request, view, requester)
  const largest = (): number => largestOffer(request, view, policy, numbers)
  const early = refuseEarly(request, view, numbers, largest)
  if (early !== null) return denialOf(early)

  const offer = bestOffer(request, view, policy, numbers)
  if (offer !== null) return grantOf(request, view, numbers, offer)
  const { rules } = attemptFor(request, policy, numbers, least)
  const cheap = takeCheap(view, request.engine, least)
  return denialOf({ request, view, numbers, kind: 'no_supply', rules, cheap, largest })
}

/** What a request could get, and from whom. */
interface Offer {
  readonly granted: number
  readonly cheap: CheapBundles
  readonly donors: readonly DonorShare[]
  readonly costUs: number
  readonly exact: boolean
  /** In-use bundles within reach, as far as a search was needed. */
  readonly reclaimable: number
}

/** One target to try, under the rules that hold for it. */
interface Attempt {
  readonly target: number
  readonly rules: Rules
}

function numbersOf(request: ReclaimRequest, view: PoolView, requester?: EngineView): DecisionNumbers {
  const { bundles, minBundles = bundles } = request
  const donors = liveDonors(view, request.engine)
  return {
    wanted: bundles,
    least: minBundles,
    total: view.bundles,
    free: view.free,
    unused: donors.reduce((sum, donor) => sum + unusedOf(donor), 0),
    reclaimable: 0,
    held: (requester?.leased ?? 0) + (requester?.incoming ?? 0),
    limit: requester?.limit ?? 0,
    entitlement: requester === undefined ? 0 : Math.max(requester.entitlement, requester.guarantee),
  }
}

/** Cheap refusals, before any search. */
function refuseEarly(
  request: ReclaimRequest,
  view: PoolView,
  numbers: DecisionNumbers,
  largest: () => number,
): Finding | null {
  const { held, least, total, limit } = numbers
  const finding = { request, view, numbers }
  if (request.epoch !== undefined && view.epoch !== undefined && request.epoch < view.epoch)
    return { ...finding, kind: 'stale_epoch' }
  if (request.deadlineUs !== undefined && request.deadlineUs <= view.nowUs)
    return { ...finding, kind: 'deadline' }
  if (held + least > total) return { ...finding, kind: 'pool_too_small', largest }
  if (held + least > limit) return { ...finding, kind: 'over_limit' }
  return null
}

/**
 * The largest grant, of equal ones the cheapest. Everything wanted is tried first; when that is beyond the share, as much as the share
 * allows is tried under the entitlement rule as well.
 */
function bestOffer(
  request: ReclaimRequest,
  view: PoolView,
  policy: ReclaimPolicy,
  numbers: DecisionNumbers,
): Offer | null {
  const { held, least, total, limit, entitlement } = numbers
  const target = Math.min(request.bundles, limit - held, total - held)
  const first = offerFor(request, view, policy, least, attemptFor(request, policy, numbers, target))
  const within = entitlement - held
  if (first?.granted === target || request.class === 'priority' || within < least || within >= target)
    return first
  const second = offerFor(request, view, policy, least, attemptFor(request, policy, numbers, within))
  return isLarger(second, first) ? second : first
}

/** Most bundles that a request like this one could get, were all of them of use, whatever they cost. */
function largestOffer(
  request: ReclaimRequest,
  view: PoolView,
  policy: ReclaimPolicy,
  numbers: DecisionNumbers,
): number {
  const { held, total, limit, entitlement } = numbers
  const target = Math.min(request.bundles, limit - held, total - held)
  const targets = [target, Math.min(target, entitlement - held)]
  return Math.max(
    0,
    ...targets.map((most) => mostFor(request, view, attemptFor(request, policy, numbers, most))),
  )
}

function mostFor(request: ReclaimRequest, view: PoolView, { target, rules }: Attempt): number {
  if (target < 1) return 0
  const cheap = takeCheap(view, request.engine, target)
  if (cheap.sum === target) return target
  const { classes, rooms } = reclaimable(request, view, rules, takenOf(cheap))
  return Math.min(target, cheap.sum + reachableBundles(classes, rooms))
}

function isLarger(offer: Offer | null, than: Offer | null): boolean {
  if (offer === null || than === null) return than === null
  return offer.granted > than.granted || (offer.granted === than.granted && offer.costUs < than.costUs)
}

function attemptFor(
  request: ReclaimRequest,
  policy: ReclaimPolicy,
  numbers: DecisionNumbers,
  target: number,
): Attempt {
  const rules: Rules = {
    entitlement: request.class !== 'priority' && numbers.held + target <= numbers.entitlement,
    priority: request.class !== 'entitlement',
    entitlementFloor: policy.entitlementFloor,
  }
  return { target, rules }
}

/** As much of the target as can be had, null when that is less than the least. */
function offerFor(
  request: ReclaimRequest,
  view: PoolView,
  policy: ReclaimPolicy,
  least: number,
  { target, rules }: Attempt,
): Offer | null {
  const cheap = takeCheap(view, request.engine, target)
  const alone: Offer = {
    granted: cheap.sum,
    cheap,
    donors: cheap.unused,
    costUs: 0,
    exact: true,
    reclaimable: 0,
  }
  if (cheap.sum === target) return alone

  const supply = reclaimable(request, view, rules, takenOf(cheap))
  const needed = target - cheap.sum
  const min = Math.max(1, least - cheap.sum)
  const bound = reachBound(supply)
  const single = policy.chooser === 'kapsl-single-donor'
  // Most denials are proved by the bound alone.
  const choice: Choice = single
    ? chooseAsKapsl(request, view, needed)
    : bound < min
      ? { kind: 'infeasible', available: bound }
      : chooseDonors({
          needed,
          min,
          classes: supply.classes,
          rooms: supply.rooms,
          exactCellsMax: policy.exactCellsMax,
        })
  if (choice.kind === 'infeasible') return cheap.sum >= least ? alone : null
  const ruleOf = (pick: Pick): ReclaimRule => (single ? 'priority' : supply.rules[pick.classIndex])
  return {
    granted: Math.min(target, cheap.sum + choice.freed),
    cheap,
    donors: [...cheap.unused, ...sharesOf(choice.picks, ruleOf)],
    costUs: choice.cost,
    exact: choice.exact,
    reclaimable: bound,
  }
}

/** One share a donor and rule, in the order of the picks: donors by id. */
function sharesOf(
  picks: readonly Pick[],
  ruleOf: (pick: Pick) => DonorShare['class'],
): readonly DonorShare[] {
  const shares = new Map<string, DonorShare>()
  for (const pick of picks) {
    const rule = ruleOf(pick)
    const key = `${rule} ${pick.donor}`
    const before = shares.get(key)
    shares.set(key, {
      engine: pick.donor,
      bundles: (before?.bundles ?? 0) + pick.bundles,
      costUs: (before?.costUs ?? 0) + pick.cost,
      class: rule,
      priorityCeiling: Math.max(before?.priorityCeiling ?? -Infinity, pick.priority),
    })
  }
  return [...shares.values()]
}

function grantOf(request: ReclaimRequest, view: PoolView, known: DecisionNumbers, offer: Offer): Decision {
  const outcome = offer.granted === request.bundles ? 'granted' : 'granted_partial'
  const { granted, cheap, donors, costUs, exact, reclaimable: inReach } = offer
  const numbers = { ...known, reclaimable: inReach }
  return {
    request: request.id,
    engine: request.engine,
    outcome,
    reason: outcome,
    granted,
    fromFree: cheap.fromFree,
    costUs,
    donors,
    exact,
    numbers,
    explanation: grantSentence(request, granted, cheap.fromFree, donors),
    counterfactual: countWithoutDonors(request, view, donors, granted),
  }
}
