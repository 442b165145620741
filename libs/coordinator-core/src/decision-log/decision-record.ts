import type { DecisionRecord, DonorsDecisionRecord, RoundDecisionRecord } from '@kvasir/contracts'
import { unreachable } from '@kvasir/kernel'
import { decideDonors } from '../donor-question.js'
import type { PoolDecision } from '../pool-decision.js'
import { endOf } from '../request-end.js'
import { decideRound } from '../round-decision.js'
import { donorQuestionOf, recordOfDonors } from './donors-record.js'
import { endQuestionOf, recordOfEnd } from './end-record.js'
import type { PoolOrigin } from './pool-origin.js'
import { recordOfRound, roundInputOf } from './round-record.js'

/** A decision as a line of the log. Members are set in one order, so that equal decisions have equal bytes. */
export function recordOf(origin: PoolOrigin, decision: PoolDecision): DecisionRecord {
  switch (decision.kind) {
    case 'round':
      return recordOfRound(origin, decision)
    case 'donors':
      return recordOfDonors(origin, decision)
    case 'end':
      return recordOfEnd(origin, decision)
    default:
      return unreachable(decision)
  }
}

/** Takes a recorded decision again from what its record says it was made from. Its answer is not read. */
export function retake(record: DecisionRecord): PoolDecision {
  const { atUs } = record
  switch (record.kind) {
    case 'round': {
      const input = roundInputOf(record)
      return { kind: 'round', atUs, round: record.round, input, answer: decideRound(input) }
    }
    case 'donors': {
      const input = donorQuestionOf(record)
      return { kind: 'donors', atUs, input, answer: decideDonors(input) }
    }
    case 'end': {
      const input = endQuestionOf(record)
      return { kind: 'end', atUs, input, answer: endOf(input) }
    }
    default:
      return unreachable(record)
  }
}

/** The record as it would be written if its decision were taken now: equal to it, byte for byte, unless one of them is wrong. */
export function replayRecord(record: RoundDecisionRecord): RoundDecisionRecord
export function replayRecord(record: DonorsDecisionRecord): DonorsDecisionRecord
export function replayRecord(record: DecisionRecord): DecisionRecord
export function replayRecord(record: DecisionRecord): DecisionRecord {
  const { pool, epoch } = record
  const observeOnly = record.kind !== 'end' && record.observeOnly
  return recordOf({ pool, epoch, observeOnly }, retake(record))
}
