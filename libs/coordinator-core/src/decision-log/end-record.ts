import type { EndDecisionRecord } from '@kvasir/contracts'
import type { PoolDecision } from '../pool-decision.js'
import type { RequestEndQuestion } from '../request-end.js'
import type { PoolOrigin } from './pool-origin.js'

export type EndDecision = Extract<PoolDecision, { kind: 'end' }>

/** The end of a preemption request as the log has it. */
export function recordOfEnd(origin: PoolOrigin, { atUs, input, answer }: EndDecision): EndDecisionRecord {
  return {
    kind: 'end',
    pool: origin.pool,
    epoch: origin.epoch,
    atUs,
    id: input.id,
    engine: input.engine,
    cause: input.cause,
    denial: input.denial,
    wanted: input.wanted,
    least: input.least,
    reserved: input.reserved,
    answer: { outcome: answer.outcome, explanation: answer.explanation },
  }
}

/** What a recorded end was decided from. */
export function endQuestionOf(record: EndDecisionRecord): RequestEndQuestion {
  const { id, engine, cause, denial, wanted, least, reserved } = record
  return { id, engine, cause, denial, wanted, least, reserved }
}
