import { type Blocks, invariant, type Micros, type Tokens } from '@kvasir/kernel'
import type { SchedulerConfig, SequenceCosts } from './config.js'
import { whyNotPreemptive } from './order-policies.js'
import type { RefusalReason, SequenceInput } from './sequence-input.js'

export interface Refusal {
  readonly kind: 'refused'
  readonly reason: RefusalReason
  readonly detail: string
}

export interface AdmissionLimits {
  readonly config: SchedulerConfig
  readonly costs: SequenceCosts
  readonly blockSize: number
  /** Most blocks the engine can ever hold. */
  readonly blockCeiling: number
  readonly waiting: number
  /** Prompt tokens that the prefix cache has. Asked only where it matters. */
  readonly cachedTokens: () => Tokens
}

/** Settings with which some accepted sequence could never run are no settings. @throws {InvariantError} */
export function checkConfig(config: SchedulerConfig): void {
  const { stepTokenLimit, sequenceLimit, contextLimit, chunkedPrefill, longPrefillThreshold, watermark } =
    config
  invariant(
    stepTokenLimit >= 1 && sequenceLimit >= 1 && contextLimit >= 2,
    () =>
      `limits of ${stepTokenLimit} step tokens, ${sequenceLimit} sequences, ${contextLimit} context tokens`,
  )
  invariant(
    watermark >= 0 && (watermark < 1 || !config.refuseImpossible),
    () => `watermark ${watermark} lies outside [0, 1)`,
  )
  invariant(
    !config.preemptive || whyNotPreemptive(config.order) === undefined,
    () => whyNotPreemptive(config.order) ?? '',
  )
  const { predictorQuantile } = config
  invariant(
    predictorQuantile > 0 && predictorQuantile <= 1,
    () => `predictorQuantile ${predictorQuantile} lies outside (0, 1]`,
  )
  // vLLM refuses to start with such settings too; whoever reproduces recorded cases may.
  const whole = longPrefillThreshold > 0 ? longPrefillThreshold : contextLimit - 1
  invariant(
    chunkedPrefill || !config.refuseImpossible || stepTokenLimit >= whole,
    () => `without chunked prefill a step must take ${whole} tokens; stepTokenLimit is ${stepTokenLimit}`,
  )
}

/** Tokens at which a sequence is finished for its length. */
export function tokenLimitOf(config: SchedulerConfig, input: SequenceInput): Tokens {
  return Math.min(input.promptTokens + input.maxOutputTokens, config.contextLimit)
}

/** Tokens at which a sequence ends of itself, where that is known; never above its limit. */
export function knownEndOf(config: SchedulerConfig, input: SequenceInput): Tokens {
  return Math.min(input.promptTokens + (input.knownOutputTokens ?? Infinity), tokenLimitOf(config, input))
}

/** Blocks a sequence may hold at its longest. The KV of its last token is never computed. */
export function blocksAtEnd(config: SchedulerConfig, blockSize: number, input: SequenceInput): Blocks {
  return Math.ceil((tokenLimitOf(config, input) - 1) / blockSize)
}

/**
 * Least time to the first token of a prompt of which so many tokens are to be computed: in one step, next and alone. Chunks and
 * company only make it longer.
 */
export function leastPrefillUs(costs: SequenceCosts, tokens: Tokens): Micros {
  return costs.recomputeUs(tokens)
}

/** Why a sequence can't be taken, or undefined when it can. Changes nothing. */
export function refusalOf(now: Micros, input: SequenceInput, limits: AdmissionLimits): Refusal | undefined {
  const { config, blockSize, blockCeiling, waiting } = limits
  const { promptTokens, maxOutputTokens } = input
  if (config.refuseImpossible) {
    if (promptTokens >= config.contextLimit) {
      return refused(
        'prompt_exceeds_context',
        `${promptTokens} prompt tokens leave no room for an output within ${config.contextLimit}`,
      )
    }
    const blocks = blocksAtEnd(config, blockSize, input)
    if (blocks > blockCeiling) {
      return refused(
        'exceeds_lease',
        `${promptTokens} + ${maxOutputTokens} tokens need ${blocks} blocks of ${blockSize}; the engine can hold ${blockCeiling}`,
      )
    }
    const late = deadlineRefusal(now, input, limits)
    if (late !== undefined) return late
  }
  if (config.queueLimit > 0 && waiting >= config.queueLimit) {
    return refused('queue_full', `${waiting} sequences wait; the limit is ${config.queueLimit}`)
  }
  return undefined
}

/** The cache is asked only when the deadline cannot be met without it: that hashes the prompt. */
function deadlineRefusal(
  now: Micros,
  { promptTokens, deadlineUs = Infinity }: SequenceInput,
  { costs, cachedTokens }: AdmissionLimits,
): Refusal | undefined {
  if (now + leastPrefillUs(costs, promptTokens) <= deadlineUs) return undefined
  const pending = promptTokens - cachedTokens()
  const earliestUs = now + leastPrefillUs(costs, pending)
  if (earliestUs <= deadlineUs) return undefined
  return refused(
    'deadline_unreachable',
    `first token at ${earliestUs} us at best, after ${pending} prompt tokens, due at ${deadlineUs} us`,
  )
}

function refused(reason: RefusalReason, detail: string): Refusal {
  return { kind: 'refused', reason, detail }
}
