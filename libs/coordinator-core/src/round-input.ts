import type { Carry } from '@kvasir/allocation'
import type { EngineTerms, PolicyName, PoolSettings } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import type { Liveness } from './liveness.js'
import { demandTokens, inUseBundles, type Member } from './member.js'
import type { PoolOptions } from './pool-options.js'

/** One engine as a round sees it. */
export interface RoundEngine {
  readonly engine: string
  readonly model: string
  readonly terms: Pick<EngineTerms, 'weight' | 'guarantee' | 'limit' | 'group'>
  readonly liveness: Liveness
  readonly demandTokens: number
  /** Tokens per second it reaches alone, measured or else nominal. */
  readonly tokensPerSecond: number
  /** Cost of one of its tokens in the pool's unit. */
  readonly unitsPerToken: number
  /** What it may spend when it hears nothing, from the newest round. */
  readonly floorTokens: number
  readonly leasedBundles: Bundles
  /** Not to be taken for unused. */
  readonly inUseBundles: Bundles
  readonly demandBundles: Bundles
}

/**
 * Everything a round is decided from, and nothing else. Plain data that does not change afterwards, so that a recorded round can be
 * taken again, explained, and imagined on an edited copy.
 */
export interface RoundInput {
  readonly policy: PolicyName
  readonly settings: Pick<PoolSettings, 'roundUs' | 'maxShare' | 'reserveShare' | 'deadZone'>
  /** Of the pool; of these, nobody's for the time being, and in no lease. */
  readonly bundles: Bundles
  readonly quarantined: Bundles
  readonly free: Bundles
  /** Sorted by id. */
  readonly engines: readonly RoundEngine[]
  /** Fractions of tokens owed from the round before; undefined in the first. */
  readonly carry: Carry | undefined
}

/** The pool behind its members. */
export interface RoundPool {
  readonly options: PoolOptions
  readonly ledger: Ledger
  readonly carry: Carry | undefined
  /** In place of the members' own, see `ClusterLink.weightsFor`. */
  readonly weights: readonly number[] | undefined
}

/** The pool as it is now. @param members sorted by engine id. */
export function roundInput(now: Micros, members: readonly Member[], pool: RoundPool): RoundInput {
  const { options, ledger, carry, weights } = pool
  const { policy, settings, bundles } = options
  const { free, quarantined } = ledger.totals
  const engines = members.map((member, i) => {
    const terms = weights === undefined ? member.terms : weighted(member.terms, weights[i])
    return roundEngine(now, member, terms, pool)
  })
  return { policy, settings, bundles, quarantined, free, engines, carry }
}

function weighted(terms: EngineTerms, weight: number): EngineTerms {
  return weight === terms.weight ? terms : { ...terms, weight }
}

function roundEngine(
  now: Micros,
  member: Member,
  terms: EngineTerms,
  { options, ledger }: RoundPool,
): RoundEngine {
  const { engine, model, liveness, floorTokens, heartbeat } = member
  const { unitsPerToken, nominalRate, settings } = options
  return {
    engine,
    model,
    terms,
    liveness,
    demandTokens: demandTokens(member),
    tokensPerSecond: heartbeat?.demand.tokensPerSecond || (nominalRate.get(model) ?? 1),
    unitsPerToken: settings.countTokens === 'plain' ? 1 : (unitsPerToken.get(model) ?? 1),
    floorTokens,
    leasedBundles: ledger.leasedTo(engine),
    inUseBundles: inUseBundles(member, now),
    demandBundles: heartbeat?.demand.bundles ?? 0,
  }
}
