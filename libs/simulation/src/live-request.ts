import type { Replica } from '@kvasir/dispatch'
import type { Micros } from '@kvasir/kernel'
import type { RequestRecord } from '@kvasir/workload'
import type { ModelRecord } from './model-record.js'

/** A request from its arrival to its end. Times are -1 until they happen. */
export interface LiveRequest {
  readonly record: RequestRecord
  /** Number of the request in its run, from 1. */
  readonly ordinal: number
  readonly model: ModelRecord
  readonly replica: Replica | undefined
  /** Users of a closed loop that sent it, by index; undefined for one that came by itself. */
  users: number | undefined
  queueUs: Micros
  ttftUs: Micros
  /** Start of the present uninterrupted run, and output tokens when it began. */
  runStartUs: Micros
  runStartTokens: number
  outputTokens: number
  /** Set when a run ends; while it lasts its engine knows it by slot. */
  lastTokenUs: Micros
  preemptions: number
}

export function liveRequest(
  record: RequestRecord,
  ordinal: number,
  model: ModelRecord,
  replica: Replica | undefined,
): LiveRequest {
  return {
    record,
    ordinal,
    model,
    replica,
    users: undefined,
    queueUs: -1,
    ttftUs: -1,
    runStartUs: -1,
    runStartTokens: 0,
    outputTokens: 0,
    lastTokenUs: -1,
    preemptions: 0,
  }
}
