import type { BudgetBound, RoundDecisionRecord } from '@kvasir/contracts'
import { invariant, type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'
import { decideRound, type RoundAnswer } from '../round-decision.js'
import type { RoundEngine, RoundInput } from '../round-input.js'
import { budgetBounds, roundInputOf } from './round-record.js'

/** The nearest change that would have given the engine another budget. */
export interface BudgetCounterfactual {
  /** What would be different: `weight 3 instead of 2`. */
  readonly change: string
  /** Its budget then, in its own tokens, and how many more that is. */
  readonly tokens: number
  readonly gainTokens: number
  /** `with weight 3 instead of 2: +1,204 tokens`. */
  readonly text: string
}

/** Why one engine's budget of one round is what it is. Tokens are the engine's own, of one round. */
export interface BudgetExplanation {
  readonly kind: 'budget'
  readonly pool: string
  readonly round: number
  readonly atUs: Micros
  readonly engine: string
  readonly model: string
  readonly observeOnly: boolean
  readonly weight: number
  readonly demandTokens: number
  readonly tokens: number
  readonly lentTokens: number
  /** Of these, what is kept ready of its guarantee. */
  readonly readyTokens: number
  readonly bound: BudgetBound
  /** λ as the engine's tokens per weight; null when nobody is limited by it. */
  readonly levelTokens: number | null
  /** Between these the level decides. */
  readonly leastTokens: number
  readonly mostTokens: number
  /** What the group computes in the round, in this engine's tokens. */
  readonly capacityTokens: number
  readonly conditions: readonly string[]
  readonly entitledBundles: number
  readonly leasedBundles: number
  readonly inUseBundles: number
  readonly grantedBundles: number
  readonly takenBundles: number
  readonly counterfactual: BudgetCounterfactual
  readonly sentences: readonly string[]
}

/** Everything a sentence about a budget is made from. */
interface Budget extends Omit<BudgetExplanation, 'kind' | 'counterfactual' | 'sentences'> {
  readonly input: RoundInput
  readonly asked: RoundEngine
}

/**
 * Explains the budget of `engine`, which takes part in the round. The decision is taken again, and once more for the counterfactual: it
 * costs two rounds, so nobody does it while deciding.
 */
export function explainBudget(record: RoundDecisionRecord, engine: string): BudgetExplanation {
  const budget = budgetOf(record, engine)
  const { input: _input, asked: _asked, ...facts } = budget
  const counterfactual = counterfactualOf(budget)
  return { kind: 'budget', ...facts, counterfactual, sentences: sentencesOf(budget, counterfactual) }
}

function budgetOf(record: RoundDecisionRecord, engine: string): Budget {
  const input = roundInputOf(record)
  const at = input.engines.findIndex((candidate) => candidate.engine === engine)
  invariant(at >= 0, () => `${engine} has no part in round ${record.round} of ${record.pool}`)
  const asked = input.engines[at]
  const { tokens, memory } = decideRound(input)
  const share = tokens.shares[at]
  const { bound, floor, cap } = budgetBounds(input, tokens)[at]
  const { level } = tokens.division.result
  const ownTokens = (units: number) => Math.floor(units / asked.unitsPerToken)
  return {
    input,
    asked,
    pool: record.pool,
    round: record.round,
    atUs: record.atUs,
    engine,
    model: asked.model,
    observeOnly: record.observeOnly,
    weight: asked.terms.weight,
    demandTokens: share.demandTokens,
    tokens: share.tokens,
    lentTokens: share.lentTokens,
    readyTokens: share.readyTokens,
    bound,
    levelTokens: level === null ? null : level / asked.unitsPerToken,
    leastTokens: ownTokens(floor),
    mostTokens: ownTokens(Math.min(cap, tokens.capacity)),
    capacityTokens: ownTokens(tokens.capacity),
    conditions: tokens.conditions,
    entitledBundles: memory.entitlements[at],
    leasedBundles: asked.leasedBundles,
    inUseBundles: asked.inUseBundles,
    grantedBundles: memory.grants[at],
    takenBundles: memory.reclaims[at],
  }
}

/** What to imagine, by what bound the budget: the change that lifts this bound and no other. */
function imagined({ bound, asked, input }: Budget): { readonly change: string; readonly input: RoundInput } {
  const { terms } = asked
  const withTerms = (change: string, other: Partial<RoundEngine['terms']>) => ({
    change,
    input: edited(input, asked, { terms: { ...terms, ...other } }),
  })
  const unlimited = Math.ceil(capacityOf(input) / asked.unitsPerToken)
  switch (bound) {
    case 'demand':
    case 'lent':
    case 'wake_up':
      return {
        change: `demand for all of the round instead of ${amount(asked.demandTokens)} tokens`,
        input: edited(input, asked, { demandTokens: Math.max(unlimited, asked.demandTokens) }),
      }
    case 'limit':
      return withTerms(`no limit instead of ${percent(terms.limit)} of the pool`, { limit: 1 })
    case 'guarantee':
      return withTerms(`no guarantee instead of ${percent(terms.guarantee)} of the pool`, { guarantee: 0 })
    case 'max_share':
      return {
        change: `no largest share instead of ${percent(input.settings.maxShare)} of the pool`,
        input: { ...input, settings: { ...input.settings, maxShare: 1 } },
      }
    case 'capacity':
      return {
        change: 'a group twice as fast',
        input: {
          ...input,
          engines: input.engines.map((other) => ({ ...other, tokensPerSecond: 2 * other.tokensPerSecond })),
        },
      }
    case 'degraded':
      return { change: 'the engine heard again', input: edited(input, asked, { liveness: 'live' }) }
    case 'share':
    case 'minimum':
    case 'overcommitted':
    case 'policy':
      return withTerms(`weight ${terms.weight + 1} instead of ${terms.weight}`, { weight: terms.weight + 1 })
  }
}

function counterfactualOf(budget: Budget): BudgetCounterfactual {
  const { change, input } = imagined(budget)
  const tokens = tokensOf(input, decideRound(input), budget.engine)
  const gainTokens = tokens - budget.tokens
  const gain = `${gainTokens < 0 ? '−' : '+'}${amount(Math.abs(gainTokens))}`
  return { change, tokens, gainTokens, text: `with ${change}: ${gain} tokens` }
}

function tokensOf(input: RoundInput, { tokens }: RoundAnswer, engine: string): number {
  return tokens.shares[input.engines.findIndex((candidate) => candidate.engine === engine)].tokens
}

function capacityOf(input: RoundInput): number {
  return decideRound(input).tokens.capacity
}

function edited(input: RoundInput, engine: RoundEngine, change: Partial<RoundEngine>): RoundInput {
  return {
    ...input,
    engines: input.engines.map((other) => (other === engine ? { ...other, ...change } : other)),
  }
}

function sentencesOf(budget: Budget, counterfactual: BudgetCounterfactual): readonly string[] {
  const { engine, pool, round, atUs, tokens, capacityTokens, demandTokens } = budget
  const sentences = [
    `${engine} gets ${amount(tokens)} tokens in round ${round} of pool ${pool}, at ${seconds(atUs)}${beyond(budget)}.`,
    `It demands ${amount(demandTokens)}; the group computes ${amount(capacityTokens)} such tokens in a round.`,
    `${reasonOf(budget)}.`,
    memorySentence(budget),
    `${counterfactual.text[0].toUpperCase()}${counterfactual.text.slice(1)}.`,
  ]
  if (budget.conditions.length > 0) sentences.push(`Conditions: ${budget.conditions.join(', ')}.`)
  if (budget.observeOnly) sentences.push('The pool is only observed: no memory is taken from anybody.')
  return sentences
}

/** What it has beyond its share. */
function beyond({ lentTokens, readyTokens }: Budget): string {
  const lent = lentTokens - readyTokens
  const parts = [
    lent > 0 ? `, and ${amount(lent)} more lent to it` : '',
    readyTokens > 0 ? `, and ${amount(readyTokens)} more of its guarantee kept ready` : '',
  ]
  return parts.join('')
}

function reasonOf(budget: Budget): string {
  const { bound, weight, levelTokens, leastTokens, mostTokens, input, asked } = budget
  const level = levelTokens === null ? '' : ` (λ = ${amount(levelTokens)} of its tokens per weight)`
  switch (bound) {
    case 'share':
      return `That is its share${level}: weight ${weight} of ${totalWeight(input)}, between ${amount(leastTokens)} and ${amount(mostTokens)}`
    case 'demand':
      return 'That is all it demands'
    case 'lent':
      return 'That is all it demands, and nobody else demands what is lent to it'
    case 'wake_up':
      return 'It demands next to nothing and gets the small grant that an idle engine wakes up with'
    case 'guarantee':
      return `That is its guarantee of ${percent(asked.terms.guarantee)}, above its share by weight${level}`
    case 'minimum':
      return `That is the least that anybody with demand gets, above its share by weight${level}`
    case 'limit':
      return `That is its limit of ${percent(asked.terms.limit)}`
    case 'max_share':
      return `That is the largest share one engine may have, ${percent(input.settings.maxShare)}`
    case 'capacity':
      return 'That is all that the group computes'
    case 'overcommitted':
      return `Guarantees exceed what there is and were divided by weight${level}`
    case 'degraded':
      return `It is ${asked.liveness} and keeps the floor it was last told; its share goes to the others`
    case 'policy':
      return `The policy ${input.policy} divides by a rule of its own, without a level`
  }
}

function memorySentence(budget: Budget): string {
  const { entitledBundles, leasedBundles, inUseBundles, grantedBundles, takenBundles } = budget
  const moves = [
    grantedBundles > 0 ? `${amount(grantedBundles)} free ones are added` : '',
    takenBundles > 0 ? `${amount(takenBundles)} unused ones are asked back` : '',
  ].filter((move) => move !== '')
  const then = moves.length === 0 ? '' : `; ${moves.join(' and ')}`
  return `Of memory it is entitled to ${amount(entitledBundles)} bundles, holds ${amount(leasedBundles)} and uses ${amount(inUseBundles)}${then}.`
}

function totalWeight({ engines }: RoundInput): number {
  return engines.reduce((sum, { terms }) => sum + terms.weight, 0)
}

/** `1,204`, without a locale: equal decisions have equal sentences everywhere. */
function amount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`
}

function seconds(micros: Micros): string {
  return `${(micros / MICROS_PER_SECOND).toFixed(3)} s`
}
