import type { Carry } from '@kvasir/allocation'
import type { DecisionRecord, RoundDecisionRecord } from '@kvasir/contracts'
import { decideRound } from '../round-decision.js'
import { replayRecord } from './decision-record.js'
import { recordOfRound, roundInputOf } from './round-record.js'

/**
 * Takes the decisions of a log again, one after the other. Each record stands alone but for one thing that is known from the record
 * before: the fractions of tokens that a pool's round owes the next one. So a round that was changed together with its answer is
 * found at the round after it.
 */
export class DecisionReplay {
  /** By pool and epoch. */
  readonly #carried = new Map<string, Carry>()

  /** The record as it follows from its inputs and from the records before it. */
  next(record: DecisionRecord): DecisionRecord {
    return record.kind === 'round' ? this.#round(record) : replayRecord(record)
  }

  #round(record: RoundDecisionRecord): DecisionRecord {
    const { pool, epoch, observeOnly, atUs, round } = record
    const key = JSON.stringify([pool, epoch])
    const recorded = roundInputOf(record)
    const input = { ...recorded, carry: this.#carried.get(key) ?? recorded.carry }
    const answer = decideRound(input)
    this.#carried.set(key, answer.tokens.carry)
    return recordOfRound({ pool, epoch, observeOnly }, { kind: 'round', atUs, round, input, answer })
  }
}
