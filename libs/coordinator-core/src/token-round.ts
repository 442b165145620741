import { type BudgetPolicy, type Carry, type Claim, divide } from '@kvasir/allocation'
import type { PoolSettings } from '@kvasir/contracts'
import type { Member } from './member.js'

/** What one engine gets in a round, in its own tokens. */
export interface TokenShare {
  readonly tokens: number
  readonly lentTokens: number
  readonly floorTokens: number
  /** Weighted max-min share, whatever the policy. */
  readonly idealTokens: number
  readonly demandTokens: number
}

export interface TokenRound {
  readonly capacity: number
  readonly shares: readonly TokenShare[]
  readonly conditions: readonly string[]
  readonly carry: Carry | undefined
  readonly idealCarry: Carry | undefined
}

export interface TokenRoundInput {
  /** Sorted by engine id. */
  readonly members: readonly Member[]
  readonly settings: PoolSettings
  readonly policy: BudgetPolicy
  /** Whether `policy` is weighted max-min itself: the ideal then needs no second division. */
  readonly ideal: boolean
  /** Cost of one of a model's tokens in the pool's unit; 1 where tokens are counted plainly. */
  readonly unitsPerToken: (model: string) => number
  /** Tokens per second before an engine has measured any. */
  readonly nominalRate: (model: string) => number
  readonly carry: Carry | undefined
  readonly idealCarry: Carry | undefined
}

/** Smallest demand of an idle engine as a share of the round: a first request needs no round trip. */
const WAKE_UP_SHARE = 0.02

/**
 * One round of token budgets. The pool's unit is a token of the cheapest model's cost (or any token, counted plainly); the
 * capacity is what the group computes in one round at the mix that is demanded, so time and tokens agree.
 */
export function divideTokens(input: TokenRoundInput): TokenRound {
  const { members, settings } = input
  const units = members.map((member) => input.unitsPerToken(member.model))
  const rates = members.map((member, i) => (member.heartbeat?.demand.tokensPerSecond || input.nominalRate(member.model)) * units[i])
  const demands = members.map((member, i) => (member.heartbeat?.demand.tokens ?? 0) * units[i])
  const capacity = roundCapacity(rates, demands, settings.roundUs)
  const wakeUp = Math.max(1, Math.floor((capacity * WAKE_UP_SHARE) / Math.max(1, members.length)))
  const claims = members.map((member, i): Claim => {
    const limit = Math.floor(member.terms.limit * capacity)
    const health = member.liveness === 'live' ? 'healthy' : member.liveness === 'suspect' ? 'degraded' : 'dead'
    return {
      id: member.engine,
      weight: member.terms.weight,
      guarantee: Math.min(limit, Math.floor(member.terms.guarantee * capacity)),
      limit,
      demand: Math.max(wakeUp, Math.ceil(demands[i])),
      health: health === 'degraded' ? 'healthy' : health,
      ...(member.terms.group === undefined ? {} : { group: member.terms.group }),
    }
  })
  const common = { capacity, claims, maxShare: settings.maxShare }
  const division = input.policy({ ...common, ...(input.carry ? { carry: input.carry } : {}) })
  const ideal = input.ideal ? division : divide({ ...common, ...(input.idealCarry ? { carry: input.idealCarry } : {}) })
  const shares = members.map(
    (member, i): TokenShare => ({
      tokens: Math.floor(division.amounts[i] / units[i]),
      lentTokens: Math.floor(division.lent[i] / units[i]),
      floorTokens: Math.floor(Math.min(claims[i].guarantee, division.amounts[i]) / units[i]),
      idealTokens: ideal.amounts[i] / units[i],
      demandTokens: member.heartbeat?.demand.tokens ?? 0,
    }),
  )
  return {
    capacity,
    shares,
    conditions: division.conditions.map((condition) => condition.kind),
    carry: division.carry,
    idealCarry: input.ideal ? undefined : ideal.carry,
  }
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
