import { invariant, type Micros } from '@kvasir/kernel'
import type { SchedulerConfig, SequenceCosts } from './config.js'
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
  // vLLM refuses to start with such settings too; whoever reproduces recorded cases may.
  const whole = longPrefillThreshold > 0 ? longPrefillThreshold : contextLimit - 1
  invariant(
    chunkedPrefill || !config.refuseImpossible || stepTokenLimit >= whole,
    () => `without chunked prefill a step must take ${whole} tokens; stepTokenLimit is ${stepTokenLimit}`,
  )
}

/** Tokens at which a sequence is finished for its length. */
export function tokenLimitOf(config: SchedulerConfig, input: SequenceInput): number {
  return Math.min(input.promptTokens + input.maxOutputTokens, config.contextLimit)
}

/** Blocks a sequence holds at its longest. The KV of its last token is never computed. */
export function blocksAtEnd(config: SchedulerConfig, blockSize: number, input: SequenceInput): number {
  return Math.ceil((tokenLimitOf(config, input) - 1) / blockSize)
}

/** Why a sequence can't be taken, or undefined when it can. Changes nothing. */
export function refusalOf(now: Micros, input: SequenceInput, limits: AdmissionLimits): Refusal | undefined {
  const { config, costs, blockSize, blockCeiling, waiting } = limits
  const { promptTokens, maxOutputTokens, deadlineUs } = input
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
    if (deadlineUs !== undefined) {
      const earliestUs = now + costs.recomputeUs(promptTokens)
      if (earliestUs > deadlineUs) {
        return refused(
          'deadline_unreachable',
          `first token at ${earliestUs} us at best, due at ${deadlineUs} us`,
        )
      }
    }
  }
  if (config.queueLimit > 0 && waiting >= config.queueLimit) {
    return refused('queue_full', `${waiting} sequences wait; the limit is ${config.queueLimit}`)
  }
  return undefined
}

function refused(reason: RefusalReason, detail: string): Refusal {
  return { kind: 'refused', reason, detail }
}
