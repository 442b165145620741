import {
  type BudgetPolicy,
  type Carry,
  type Claim,
  type Condition,
  divide,
  divideGuarantees,
  type Division,
  type DivisionInput,
  knowsGuarantees,
  NO_CARRY,
  policyByName,
  shareOfCapacity,
} from '@kvasir/allocation'
import { invariant } from '@kvasir/kernel'
import { isHeard } from './member.js'
import { memoryClaims } from './memory-round.js'
import type { RoundEngine, RoundInput } from './round-input.js'

/** What one engine gets in a round, in its own tokens. */
export interface TokenShare {
  readonly tokens: number
  /** Beyond these: lent because nobody demands it, or the rest of the guarantee, kept ready. */
  readonly lentTokens: number
  /** Of what is lent, how much nothing but the guarantee gives. */
  readonly readyTokens: number
  readonly floorTokens: number
  /** Weighted max-min share, whatever the policy. */
  readonly idealTokens: number
  readonly demandTokens: number
}

export interface TokenRound {
  /** In the pool's unit, as are what engines that cannot be heard may still spend of it, and the amounts divided. */
  readonly capacity: number
  readonly charged: number
  readonly divided: number
  /** The division behind it, in the pool's unit. */
  readonly division: { readonly input: DivisionInput; readonly result: Division }
  /** Whether more was demanded than there is. */
  readonly contended: boolean
  readonly shares: readonly TokenShare[]
  readonly conditions: readonly string[]
  readonly carry: Carry
}

const none: readonly string[] = []

/** Claim of an idle engine as a share of the round. */
const WAKE_UP_SHARE = 0.02

/**
 * One round of token budgets. The pool's unit is a token of the cheapest model's cost (or any token, counted plainly); the
 * capacity is what the group computes in one round at the mix that is demanded, so time and tokens agree.
 */
export function divideTokens(round: RoundInput): TokenRound {
  const { engines, settings } = round
  const rates = engines.map(({ tokensPerSecond, unitsPerToken }) => tokensPerSecond * unitsPerToken)
  const demands = engines.map(({ demandTokens, unitsPerToken }) => demandTokens * unitsPerToken)
  const capacity = roundCapacity(rates, demands, settings.roundUs)
  const wakeUp = wakeUpUnits(round, capacity)
  const claims = engines.map((engine, i) =>
    tokenClaim(engine, capacity, Math.max(wakeUp, Math.ceil(demands[i]))),
  )
  // An engine that hears nothing spends its floor and no more: see effectiveBudget.
  let charged = 0
  for (const engine of engines) if (!isHeard(engine)) charged += engine.floorTokens * engine.unitsPerToken
  const available = Math.max(0, Math.floor(capacity - charged))
  const { maxShare } = settings
  // Field by field here and in the claims: a field behind a spread costs as much as the whole division.
  const input = { capacity: available, claims, maxShare, carry: round.carry ?? NO_CARRY }
  const result = policyOf(round)(input, { others: () => [memoryClaims(round)] })
  const ideal = engines.length === 1 ? result.exact : idealOf(round, capacity, { available, demands })
  const ready = readyUnits(round, input, result)
  const shares = engines.map((engine, i): TokenShare => {
    const { unitsPerToken, demandTokens } = engine
    const idealTokens = ideal[i] / unitsPerToken
    if (!isHeard(engine)) return silentShare(engine, idealTokens)
    return {
      tokens: Math.floor(result.amounts[i] / unitsPerToken),
      lentTokens: Math.floor((result.lent[i] + ready[i]) / unitsPerToken),
      readyTokens: Math.floor(ready[i] / unitsPerToken),
      floorTokens: Math.floor(Math.min(claims[i].guarantee, result.amounts[i]) / unitsPerToken),
      idealTokens,
      demandTokens,
    }
  })
  return {
    capacity,
    charged,
    divided: sum(result.amounts),
    division: { input, result },
    contended: sum(demands) >= available,
    shares,
    conditions: kindsOf(result.conditions),
    carry: result.carry,
  }
}

function policyOf({ policy: name }: RoundInput): BudgetPolicy {
  const found = policyByName(name)
  invariant(found.kind === 'policy', () => `there is no policy ${name}`)
  return found.policy
}

/** An idle engine claims a small grant, so that its first request needs no round trip; the earlier system knew of none. */
export function wakeUpUnits({ policy, engines }: RoundInput, capacity: number): number {
  if (policy === 'kapsl-compat') return 0
  return Math.max(1, Math.floor((capacity * WAKE_UP_SHARE) / Math.max(1, engines.length)))
}

/**
 * What each engine's guarantee is more than it is given and lent: kept ready, so that a burst need not wait for the round after it. Nobody
 * else's share is smaller for it, and while the engine is idle the others compute in its time. Guarantees that exceed what there is are
 * divided first.
 */
function readyUnits(
  { policy }: RoundInput,
  input: DivisionInput,
  { amounts, lent }: Division,
): readonly number[] {
  const { capacity, claims, maxShare = 1 } = input
  if (!knowsGuarantees(policy)) return claims.map(() => 0)
  const heard = claims.map(({ guarantee, health }) => (health === 'healthy' ? guarantee : 0))
  const guaranteed = sum(heard) <= capacity ? heard : divideGuarantees(input)
  const most = shareOfCapacity(capacity, maxShare)
  return amounts.map((amount, i) => Math.max(0, Math.min(guaranteed[i], most) - amount - lent[i]))
}

/** Weighted max-min shares for what is really demanded, without the grants that idle engines wake up with. */
function idealOf(
  { engines, settings: { maxShare } }: RoundInput,
  capacity: number,
  { available, demands }: { readonly available: number; readonly demands: readonly number[] },
): readonly number[] {
  const claims = engines.map((engine, i) => tokenClaim(engine, capacity, Math.ceil(demands[i])))
  return divide({ capacity: available, claims, maxShare }).exact
}

/** What it does when it hears nothing is also what it is told. */
function silentShare({ floorTokens, demandTokens }: RoundEngine, idealTokens: number): TokenShare {
  return { tokens: floorTokens, lentTokens: 0, readyTokens: 0, floorTokens, idealTokens, demandTokens }
}

function tokenClaim(engine: RoundEngine, capacity: number, demand: number): Claim {
  const { engine: id, terms } = engine
  const { weight, group } = terms
  const limit = Math.floor(terms.limit * capacity)
  const guarantee = Math.min(limit, Math.floor(terms.guarantee * capacity))
  const health = isHeard(engine) ? 'healthy' : 'dead'
  return group === undefined
    ? { id, weight, guarantee, limit, demand, health }
    : { id, weight, guarantee, limit, demand, health, group }
}

function kindsOf(conditions: readonly Condition[]): readonly string[] {
  return conditions.length === 0 ? none : [...new Set(conditions.map(({ kind }) => kind))]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Units the group computes in a round: the rates' harmonic mean weighted by what each engine demands. */
function roundCapacity(rates: readonly number[], demands: readonly number[], roundUs: number): number {
  let demanded = 0
  let seconds = 0
  let fastest = 0
  for (let i = 0; i < rates.length; i++) {
    fastest = Math.max(fastest, rates[i])
    demanded += demands[i]
    seconds += demands[i] / rates[i]
  }
  const rate = demanded > 0 ? demanded / seconds : fastest
  return Math.max(1, Math.floor((rate * roundUs) / 1_000_000))
}
