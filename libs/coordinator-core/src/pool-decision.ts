import type { Micros } from '@kvasir/kernel'
import type { Decision } from '@kvasir/reclaim'
import type { DonorQuestion } from './donor-question.js'
import type { RequestEnd, RequestEndQuestion } from './request-end.js'
import type { RoundAnswer } from './round-decision.js'
import type { RoundInput } from './round-input.js'

/**
 * Something the owner of a pool decided: what it knew, and what it answered. Each is a pure function of its input, so whoever has
 * the input can take the decision again. Nothing in it changes afterwards.
 */
export type PoolDecision =
  | {
      readonly kind: 'round'
      readonly atUs: Micros
      readonly round: number
      readonly input: RoundInput
      readonly answer: RoundAnswer
    }
  /** Who gives for a preemption request; a request that is replanned has two. */
  | {
      readonly kind: 'donors'
      readonly atUs: Micros
      readonly input: DonorQuestion
      readonly answer: Decision
    }
  /** The one end of a preemption request. */
  | {
      readonly kind: 'end'
      readonly atUs: Micros
      readonly input: RequestEndQuestion
      readonly answer: RequestEnd
    }
