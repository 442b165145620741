import {
  type BudgetPolicy,
  type Carry,
  type Claim,
  divide,
  type DivisionInput,
  NO_CARRY,
} from '@kvasir/allocation'
import type { PoolSettings } from '@kvasir/contracts'
import { demandTokens, isHeard, type Member } from './member.js'

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
  /** In the pool's unit, as are what engines that cannot be heard may still spend of it, and the amounts divided. */
  readonly capacity: number
  readonly charged: number
  readonly divided: number
  /** Whether more was demanded than there is. */
  readonly contended: boolean
  readonly shares: readonly TokenShare[]
  readonly conditions: readonly string[]
  readonly carry: Carry
}

export interface TokenRoundInput {
  /** Sorted by engine id. */
  readonly members: readonly Member[]
  readonly settings: PoolSettings
  readonly policy: BudgetPolicy
  /** Whether an idle engine claims a small grant, so that its first request needs no round trip. */
  readonly wakesIdle: boolean
  /** Cost of one of a model's tokens in the pool's unit; 1 where tokens are counted plainly. */
  readonly unitsPerToken: (model: string) => number
  /** Tokens per second before an engine has measured any. */
  readonly nominalRate: (model: string) => number
  /** The same claims on the pool's bundles, for policies that divide both together. */
  readonly bundles: DivisionInput
  /** Fractions owed from the round before; undefined in the first. */
  readonly carry: Carry | undefined
}

/** Claim of an idle engine as a share of the round. */
const WAKE_UP_SHARE = 0.02

/**
 * One round of token budgets. The pool's unit is a token of the cheapest model's cost (or any token, counted plainly); the
 * capacity is what the group computes in one round at the mix that is demanded, so time and tokens agree.
 */
export function divideTokens(input: TokenRoundInput): TokenRound {
  const { members, settings } = input
  const units = members.map((member) => input.unitsPerToken(member.model))
  const rates = members.map(
    (member, i) => (member.heartbeat?.demand.tokensPerSecond || input.nominalRate(member.model)) * units[i],
  )
  const demands = members.map((member, i) => demandTokens(member) * units[i])
  const capacity = roundCapacity(rates, demands, settings.roundUs)
  const wakeUp = input.wakesIdle
    ? Math.max(1, Math.floor((capacity * WAKE_UP_SHARE) / Math.max(1, members.length)))
    : 0
  const claims = members.map((member, i) =>
    tokenClaim(member, capacity, Math.max(wakeUp, Math.ceil(demands[i]))),
  )
  // An engine that hears nothing spends its floor and no more: see effectiveBudget.
  const charged = sum(members.map((member, i) => (isHeard(member) ? 0 : member.floorTokens * units[i])))
  const available = Math.max(0, Math.floor(capacity - charged))
  const division = { capacity: available, claims, maxShare: settings.maxShare }
  const divided = input.policy({ ...division, carry: input.carry ?? NO_CARRY }, { others: [input.bundles] })
  const ideal = members.length === 1 ? divided.exact : idealOf(division, demands)
  const shares = members.map((member, i): TokenShare => {
    const idealTokens = ideal[i] / units[i]
    if (!isHeard(member)) return silentShare(member, idealTokens)
    return {
      tokens: Math.floor(divided.amounts[i] / units[i]),
      lentTokens: Math.floor(divided.lent[i] / units[i]),
      floorTokens: Math.floor(Math.min(claims[i].guarantee, divided.amounts[i]) / units[i]),
      idealTokens,
      demandTokens: demandTokens(member),
    }
  })
  const conditions = [...new Set(divided.conditions.map((condition) => condition.kind))]
  const contended = sum(demands) >= available
  return {
    capacity,
    charged,
    divided: sum(divided.amounts),
    contended,
    shares,
    conditions,
    carry: divided.carry,
  }
}

/** Weighted max-min shares for what is really demanded, without the grants that idle engines wake up with. */
function idealOf(division: DivisionInput, demands: readonly number[]): readonly number[] {
  const claims = division.claims.map((claim, i) => ({ ...claim, demand: Math.ceil(demands[i]) }))
  return divide({ ...division, claims }).exact
}

/** What it does when it hears nothing is also what it is told. */
function silentShare(member: Member, idealTokens: number): TokenShare {
  const { floorTokens } = member
  return { tokens: floorTokens, lentTokens: 0, floorTokens, idealTokens, demandTokens: demandTokens(member) }
}

function tokenClaim(member: Member, capacity: number, demand: number): Claim {
  const { weight, group } = member.terms
  const limit = Math.floor(member.terms.limit * capacity)
  return {
    id: member.engine,
    weight,
    guarantee: Math.min(limit, Math.floor(member.terms.guarantee * capacity)),
    limit,
    demand,
    health: isHeard(member) ? 'healthy' : 'dead',
    ...(group === undefined ? {} : { group }),
  }
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
