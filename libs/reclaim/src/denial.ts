import type { DenialReason } from '@kvasir/contracts'
import { type Micros, unreachable } from '@kvasir/kernel'
import { type CheapBundles, takenOf } from './cheap-answers.js'
import { reachableBundles } from './choose-donors.js'
import type { Counterfactual, Decision, DecisionNumbers, DonorShare } from './decision.js'
import { liveDonors, type Obstacle, reachBound, reclaimable, type Rules, type Supply } from './eligibility.js'
import type { PoolView, ReclaimRequest } from './pool-view.js'
import { count, countMore, duration } from './sentences.js'

interface Asked {
  readonly request: ReclaimRequest
  readonly view: PoolView
  readonly numbers: DecisionNumbers
}

interface Largest {
  /** Most bundles that could be granted to a request for no more than these. */
  largest(): number
}

/** Why a request ends without bundles. */
export type Finding =
  | (Asked & {
      readonly kind: 'not_registered' | 'stale_epoch' | 'deadline' | 'over_limit'
    })
  | (Asked & Largest & { readonly kind: 'pool_too_small' })
  | (Asked & Largest & { readonly kind: 'no_supply'; readonly rules: Rules; readonly cheap: CheapBundles })

export function denialOf(finding: Finding): Decision {
  const { request, view, numbers } = finding
  const explained = explain(finding)
  const { reason, explanation, counterfactual } = explained
  return {
    request: request.id,
    engine: request.engine,
    outcome: 'denied',
    reason,
    granted: 0,
    fromFree: 0,
    costUs: 0,
    donors: [],
    numbers: { ...numbers, free: view.free, reclaimable: explained.reclaimable ?? 0 },
    explanation: `${request.engine} gets nothing: ${explanation}`,
    counterfactual,
  }
}

/** For a grant: what would have spared the donors. */
export function countWithoutDonors(
  request: ReclaimRequest,
  view: PoolView,
  donors: readonly DonorShare[],
  granted: number,
): Counterfactual {
  if (granted < request.bundles) {
    const bundles = request.bundles - granted
    return {
      kind: 'free',
      bundles,
      text: `with ${countMore(bundles)} it would have got everything it asked for`,
    }
  }
  if (donors.length === 0) {
    const left = view.free - granted
    return { kind: 'none', text: `nobody was asked; ${count(left)} stay free` }
  }
  const unused = donors.reduce((sum, share) => sum + (share.class === 'unused' ? share.bundles : 0), 0)
  const stopped = donors.some((share) => share.class !== 'unused')
  const bundles = granted - view.free - (stopped ? unused : 0)
  const spared = stopped ? 'no work would have to stop' : 'nobody would have been asked'
  return { kind: 'free', bundles, text: `with ${countMore(bundles)} free ${spared}` }
}

interface Explanation {
  readonly reason: DenialReason
  readonly explanation: string
  readonly counterfactual: Counterfactual
  readonly reclaimable?: number
}

function explain(finding: Finding): Explanation {
  const { request, view, numbers } = finding
  const { held, least, total, limit } = numbers
  switch (finding.kind) {
    case 'not_registered':
      return {
        reason: 'not_registered',
        explanation: `no engine ${request.engine} is registered in this pool`,
        counterfactual: { kind: 'none', text: 'an engine joins before it asks' },
      }
    case 'stale_epoch':
      return {
        reason: 'stale_epoch',
        explanation: `the request is of epoch ${request.epoch}, the pool is in epoch ${view.epoch}`,
        counterfactual: {
          kind: 'none',
          text: `the same request under epoch ${view.epoch} would be considered`,
        },
      }
    case 'deadline':
      return {
        reason: 'deadline',
        explanation: `its deadline passed ${duration(view.nowUs - (request.deadlineUs ?? view.nowUs))} ago`,
        counterfactual: { kind: 'none', text: 'a request with a later deadline would be considered' },
      }
    case 'pool_too_small':
      return {
        reason: 'pool_too_small',
        explanation: `it holds ${held} and needs ${least} more of a pool of ${count(total)}`,
        counterfactual: smaller(finding.largest()),
      }
    case 'over_limit':
      return {
        reason: 'over_limit',
        explanation: `it holds ${held} and needs ${least} more, its limit is ${limit}`,
        counterfactual: {
          kind: 'limit',
          bundles: held + least,
          text: `a limit of ${held + least} would let the search go on`,
        },
      }
    case 'no_supply':
      return explainNoSupply(finding)
    default:
      return unreachable(finding)
  }
}

type NoSupply = Extract<Finding, { kind: 'no_supply' }>

/** Obstacles in the order in which they are named: what passes by itself first, then what somebody has to decide. */
const OBSTACLES: readonly {
  readonly obstacle: Obstacle
  readonly reason: DenialReason
  readonly says: string
}[] = [
  { obstacle: 'min_residency', reason: 'min_residency', says: 'has not been resident long enough' },
  {
    obstacle: 'requester_delay',
    reason: 'cooldown',
    says: 'yields only once it has been short of memory for longer',
  },
  { obstacle: 'cooldown', reason: 'cooldown', says: 'belongs to engines in cooldown' },
  { obstacle: 'cycle', reason: 'cycle', says: 'belongs to engines whose eviction would close a circle' },
  { obstacle: 'protected', reason: 'all_protected', says: 'is protected' },
  { obstacle: 'guarantee', reason: 'all_protected', says: 'is within the guarantees of its engines' },
  { obstacle: 'priority', reason: 'no_lower_priority', says: 'is of no lower priority' },
]

function explainNoSupply(finding: NoSupply): Explanation {
  const { request, numbers, rules, cheap } = finding
  const { held, least, entitlement } = numbers
  if (!rules.entitlement && !rules.priority)
    return {
      reason: 'over_limit',
      explanation: `it holds ${held} and needs ${least} more, beyond its share of ${entitlement} within which it asked to stay`,
      counterfactual: {
        kind: 'limit',
        bundles: held + least,
        text: `a share of ${held + least} would let it reclaim by entitlement`,
      },
    }
  const bound = boundUnder(finding, {})
  const missing = least - cheap.sum
  const { reason, says } = mainObstacle(finding, bound, missing)
  const available = `${cheap.fromFree} free, ${cheap.sum - cheap.fromFree} unused and ${bound} in use within reach`
  const rule = rules.entitlement ? '' : ` at priority ${request.priority}`
  return {
    reason,
    explanation: `it needs ${count(least)}${rule}; there are ${available}; the rest ${says}`,
    counterfactual: counterfactualOf(finding, reason, missing),
    reclaimable: bound,
  }
}

/** The obstacle that stands in the way alone; of several that must fall together, the one behind which most lies. */
function mainObstacle(finding: NoSupply, bound: number, missing: number): (typeof OBSTACLES)[number] {
  const [guarantee, priority] = OBSTACLES.slice(-2)
  // There are enough bundles in reach, but no whole groups that fit above the guarantees.
  if (bound >= missing) return guarantee
  let most = priority
  let gain = 0
  for (const entry of OBSTACLES) {
    const reach = boundUnder(finding, { lifted: entry.obstacle })
    if (reach >= missing) return entry
    if (reach - bound > gain) {
      gain = reach - bound
      most = entry
    }
  }
  return most
}

function boundUnder(finding: NoSupply, change: Partial<Rules>): number {
  return reachBound(supplyUnder(finding, change))
}

/** Whether so many bundles could really be freed, whole groups and all. */
function suffices(finding: NoSupply, change: Partial<Rules>, missing: number): boolean {
  const supply = supplyUnder(finding, change)
  return reachBound(supply) >= missing && reachableBundles(supply.classes, supply.rooms) >= missing
}

function supplyUnder({ request, view, rules, cheap }: NoSupply, change: Partial<Rules>): Supply {
  return reclaimable(request, view, { ...rules, ...change }, takenOf(cheap))
}

function counterfactualOf(finding: NoSupply, reason: DenialReason, missing: number): Counterfactual {
  const waiting = reason === 'min_residency' || reason === 'cooldown' ? whenEligible(finding, missing) : null
  if (waiting !== null) return waiting
  const higher = reason === 'no_lower_priority' ? priorityNeeded(finding, missing) : null
  return higher ?? smaller(finding.largest())
}

/** The first moment at which enough becomes eligible by waiting alone. */
function whenEligible(finding: NoSupply, missing: number): Counterfactual | null {
  const waits = waitsOf(finding)
  const first = firstThat(waits.length, (i) => suffices(finding, { horizonUs: waits[i].inUs }, missing))
  if (first === null) return null
  const { inUs, engine, why } = waits[first]
  const bundles = boundUnder(finding, { horizonUs: inUs }) - boundUnder(finding, {})
  const when = `in ${duration(inUs)} (${why} of ${engine})${beforeDeadline(finding, inUs)}`
  return { kind: 'later', bundles, inUs, engine, text: `${countMore(bundles)} become eligible ${when}` }
}

/** The first position at which `holds`, when it holds everywhere after that too; null when nowhere. */
function firstThat(size: number, holds: (position: number) => boolean): number | null {
  let low = 0
  let high = size
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low === size ? null : low
}

/** Nobody waits for what becomes eligible later, but it may be worth asking again. */
function beforeDeadline({ request, view }: NoSupply, inUs: Micros): string {
  if (request.deadlineUs === undefined) return ''
  const left = request.deadlineUs - view.nowUs
  return `, ${inUs <= left ? 'before' : 'after'} its deadline in ${duration(left)}`
}

interface Wait {
  readonly inUs: number
  readonly engine: string
  readonly why: string
}

function waitsOf({ request, view }: NoSupply): readonly Wait[] {
  const waits: Wait[] = []
  const delayUs = view.engines.find(({ id }) => id === request.engine)?.standing?.cooldownInUs ?? 0
  if (delayUs > 0) waits.push({ inUs: delayUs, engine: request.engine, why: 'delay' })
  for (const { id, supply, standing } of liveDonors(view, request.engine)) {
    const cooldownInUs = standing?.cooldownInUs ?? 0
    if (cooldownInUs > 0) waits.push({ inUs: cooldownInUs, engine: id, why: 'cooldown' })
    for (const { eligibleInUs = 0 } of supply)
      if (eligibleInUs > 0) waits.push({ inUs: eligibleInUs, engine: id, why: 'minimum residency' })
  }
  return waits.sort((a, b) => a.inUs - b.inUs)
}

/** The lowest priority above which enough work would have to yield. */
function priorityNeeded(finding: NoSupply, missing: number): Counterfactual | null {
  const { request, view } = finding
  const own = view.engines.find(({ id }) => id === request.engine)?.boost ?? 0
  const found = new Set<number>()
  for (const { supply, boost = 0 } of liveDonors(view, request.engine))
    for (const { priority } of supply) found.add(priority + boost)
  const levels = [...found].sort((a, b) => a - b)
  const first = firstThat(levels.length, (i) => suffices(finding, { yieldsUpTo: levels[i] }, missing))
  if (first === null) return null
  const above = levels[first] - own
  return { kind: 'priority', above, text: `a request above priority ${above} would be granted` }
}

function smaller(bundles: number): Counterfactual {
  return bundles > 0
    ? { kind: 'smaller', bundles, text: `a request for ${count(bundles)} could be granted now` }
    : { kind: 'none', text: 'nothing could be granted now' }
}
