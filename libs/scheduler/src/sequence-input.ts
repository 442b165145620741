import type { Micros, Tokens } from '@kvasir/kernel'
import type { BlockContent } from '@kvasir/kv-cache'

export interface SequenceInput {
  readonly id: string
  /** At least 1. */
  readonly promptTokens: Tokens
  /** At least 1. */
  readonly maxOutputTokens: Tokens
  /** Higher runs first. */
  readonly priority: number
  readonly arrivalUs: Micros
  /** When the first token is due. */
  readonly deadlineUs?: Micros
  readonly tenant?: string
  /** Of the sequence (weighted orders) or of its tenant (`fair`); 1 when absent. */
  readonly weight?: number
  /** Where the length of the output is known beforehand, as in a simulation: the sequence stops there. At most `maxOutputTokens`. */
  readonly knownOutputTokens?: Tokens
  readonly content: BlockContent
}

export type RefusalReason = 'prompt_exceeds_context' | 'exceeds_lease' | 'queue_full' | 'deadline_unreachable'

/** A refusal leaves no trace in the scheduler. */
export type Submission =
  | { readonly kind: 'accepted'; readonly slot: number }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly detail: string }

export type FinishReason = 'stop' | 'length'
