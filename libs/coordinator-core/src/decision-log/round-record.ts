import { type Binding, bindingsOf, type Carry } from '@kvasir/allocation'
import type { BudgetBound, RoundDecisionRecord } from '@kvasir/contracts'
import type { PoolDecision } from '../pool-decision.js'
import type { RoundEngine, RoundInput } from '../round-input.js'
import { type TokenRound, wakeUpUnits } from '../token-round.js'
import type { PoolOrigin } from './pool-origin.js'

/** Column of what earlier rounds owe: the one thing about an engine that is not said of it, but carried. */
const OWED = 11

export type RoundDecision = Extract<PoolDecision, { kind: 'round' }>

/** A round as the log has it. What binds each budget is found here, not in the round: only the log and `explain` ask. */
export function recordOfRound(origin: PoolOrigin, decision: RoundDecision): RoundDecisionRecord {
  const { input, answer, atUs, round } = decision
  const { policy, settings, bundles, quarantined, free, engines } = input
  const { roundUs, maxShare, reserveShare, deadZone } = settings
  const { tokens, memory } = answer
  const bounds = budgetBounds(input, tokens)
  const owed = owedTo(input.carry)
  return {
    kind: 'round',
    pool: origin.pool,
    epoch: origin.epoch,
    atUs,
    round,
    policy,
    observeOnly: origin.observeOnly,
    settings: { roundUs, maxShare, reserveShare, deadZone },
    bundles,
    quarantined,
    free,
    engines: engines.map((engine) => engineRow(engine, owed.get(engine.engine) ?? 0)),
    answer: {
      capacity: tokens.capacity,
      charged: tokens.charged,
      level: tokens.division.result.level,
      contended: tokens.contended,
      conditions: tokens.conditions,
      shares: tokens.shares.map((share, i) => [
        share.tokens,
        share.lentTokens,
        share.floorTokens,
        bounds[i].bound,
        memory.entitlements[i],
        memory.grants[i],
        memory.reclaims[i],
      ]),
    },
  }
}

/** What a recorded round was decided from. */
export function roundInputOf(record: RoundDecisionRecord): RoundInput {
  const { policy, settings, bundles, quarantined, free } = record
  const engines = record.engines.map(engineOf)
  const carry: Carry = {
    ids: engines.map(({ engine }) => engine),
    errors: record.engines.map((row) => row[OWED]),
    groupIds: [],
    groupErrors: [],
  }
  return { policy, settings, bundles, quarantined, free, engines, carry }
}

/** What binds a budget, with its bounds in the pool's unit. */
export interface BoundBudget extends Omit<Binding, 'kind'> {
  readonly bound: BudgetBound
}

/** What bound each engine's budget, in the order of the engines. */
export function budgetBounds(input: RoundInput, tokens: TokenRound): readonly BoundBudget[] {
  const { division, capacity } = tokens
  const wakeUp = wakeUpUnits(input, capacity)
  return bindingsOf(division.input, division.result).map(({ kind, floor, cap }, i) => {
    const { demandTokens, unitsPerToken } = input.engines[i]
    const wakes = demandTokens * unitsPerToken < wakeUp
    const bound = boundOf(kind, input, { wakes, lent: division.result.lent[i] >= unitsPerToken })
    return { bound, floor, cap }
  })
}

function boundOf(
  kind: Binding['kind'],
  { policy }: RoundInput,
  { wakes, lent }: { readonly wakes: boolean; readonly lent: boolean },
): BudgetBound {
  if (kind === 'none') return 'degraded'
  if (policy === 'static' || policy === 'kapsl-compat' || policy === 'uncoordinated') return 'policy'
  if (kind !== 'demand') return kind
  if (wakes) return 'wake_up'
  return lent ? 'lent' : 'demand'
}

function owedTo(carry: Carry | undefined): ReadonlyMap<string, number> {
  return new Map(carry?.ids.map((id, i) => [id, carry.errors[i]]) ?? [])
}

type EngineRow = RoundDecisionRecord['engines'][number]

function engineRow(engine: RoundEngine, owed: number): EngineRow {
  const { terms } = engine
  return [
    engine.engine,
    engine.model,
    terms.weight,
    terms.guarantee,
    terms.limit,
    terms.group ?? null,
    engine.liveness,
    engine.demandTokens,
    engine.tokensPerSecond,
    engine.unitsPerToken,
    engine.floorTokens,
    owed,
    engine.leasedBundles,
    engine.inUseBundles,
    engine.demandBundles,
  ]
}

function engineOf(row: EngineRow): RoundEngine {
  const group = row[5]
  return {
    engine: row[0],
    model: row[1],
    terms: { weight: row[2], guarantee: row[3], limit: row[4], ...(group === null ? {} : { group }) },
    liveness: row[6],
    demandTokens: row[7],
    tokensPerSecond: row[8],
    unitsPerToken: row[9],
    floorTokens: row[10],
    leasedBundles: row[12],
    inUseBundles: row[13],
    demandBundles: row[14],
  }
}
