import { slotBatchingConfig } from '@kvasir/scheduler'
import { type BurstRequest, burstWorkload } from './burst-workload.js'
import { benchEngine } from './engine.js'
import { RECORDED_BURST_MS } from './recorded.js'

const ROUNDS = 9

export interface BurstRow {
  readonly requests: number
  readonly steps: number
  readonly outputTokens: number
  /** Submitting all and running until none is left; the best of the rounds. */
  readonly millis: number
  readonly requestsPerSecond: number
  readonly recordedMillis: number
  /** How many times as long it would take here, carried over by the yardstick. */
  readonly faster: number
}

export interface BurstResult {
  readonly rows: readonly BurstRow[]
  /** Time of 10,000 requests over that of 1,000. */
  readonly timeRatio: number
}

/**
 * The 1,000 requests of an earlier engine and 10,000 of the same kind, with its own settings: 32 slots, 512 prefill tokens a step,
 * 4,096 blocks of 16 (`slotBatchingConfig`).
 * @param speed of this machine over the one of the record.
 */
export function burstBench(speed: number): BurstResult {
  const few = burstWorkload(1_000)
  const many = burstWorkload(10_000)
  let fewBest = run(few)
  let manyBest = run(many)
  for (let round = 1; round < ROUNDS; round++) {
    fewBest = faster(fewBest, run(few))
    manyBest = faster(manyBest, run(many))
  }
  return {
    rows: [
      rowOf(fewBest, few.length, RECORDED_BURST_MS[1_000], speed),
      rowOf(manyBest, many.length, RECORDED_BURST_MS[10_000], speed),
    ],
    timeRatio: manyBest.millis / fewBest.millis,
  }
}

interface Run {
  readonly steps: number
  readonly outputTokens: number
  readonly millis: number
}

function run(requests: readonly BurstRequest[]): Run {
  const { scheduler, submit } = benchEngine({
    blockSize: 16,
    blocks: 4_096,
    config: slotBatchingConfig({ slots: 32, prefillTokens: 512 }),
  })
  let steps = 0
  let outputTokens = 0
  const started = performance.now()
  requests.forEach((request, n) => submit(n, request.promptTokens, request.outputTokens))
  while (scheduler.unfinishedCount > 0) {
    outputTokens += scheduler.complete(steps, scheduler.plan(steps, Infinity)).tokenCount
    steps++
  }
  return { steps, outputTokens, millis: performance.now() - started }
}

function faster(a: Run, b: Run): Run {
  return b.millis < a.millis ? b : a
}

function rowOf(best: Run, requests: number, recordedMillis: number, speed: number): BurstRow {
  return {
    requests,
    ...best,
    requestsPerSecond: (requests * 1_000) / best.millis,
    recordedMillis,
    faster: recordedMillis / speed / best.millis,
  }
}
