import type { Micros, Tokens } from '@kvasir/kernel'

/** One request, as every trace reader and every generator yields it. */
export interface RequestRecord {
  /** As in the trace, else `r` and the row's number in it. */
  readonly id: string
  /** From the start of the trace; non-decreasing along a stream. */
  readonly arrivalUs: Micros
  /** Name as in the trace; undefined when the trace has no model column. */
  readonly model: string | undefined
  /** At least 1. */
  readonly promptTokens: Tokens
  /** Tokens it will produce; at least 1. */
  readonly outputTokens: Tokens
  /** Tokens its client allows; `outputTokens` when absent, and never less. */
  readonly maxOutputTokens?: Tokens
  /** Higher runs first; 0 when the trace has none. */
  readonly priority: number
  readonly tenant: string | undefined
  /** Absolute, in trace time. */
  readonly deadlineUs: Micros | undefined
  readonly session: string | undefined
  /**
   * Chained ids of the prompt's prefix blocks of `prefixBlockTokens` tokens each, the last one possibly
   * partial: an equal id means an identical prefix up to and including that block.
   */
  readonly prefixBlocks: readonly number[] | undefined
  /** 0 when there are none. */
  readonly prefixBlockTokens: number
}

/** Requests pulled one at a time, in order of arrival; undefined once and for all at the end. */
export interface RequestStream {
  next(): RequestRecord | undefined
}

/** Most tokens a prompt or an answer may have: 2^31 - 1, so that token counts fit signed 32-bit arrays. */
export const MAX_TOKENS = 0x7fff_ffff

/** Prompt and output of one request that has no arrival time. */
export interface LengthPair {
  readonly promptTokens: Tokens
  readonly outputTokens: Tokens
}
