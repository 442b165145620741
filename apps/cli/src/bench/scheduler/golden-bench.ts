import { driveCase, type GoldenCase, outputToken, promptTokens } from '@kvasir/scheduler'
import type { EndToEndRecord } from './recorded.js'

const ROUNDS = 7

export interface GoldenRow {
  readonly name: string
  readonly requests: number
  /** The whole replay: prompts and outputs made up, hashed, scheduled. The best of the rounds. */
  readonly millis: number
  /** Making up prompts and outputs alone: no part of scheduling, and not in the recorded time. */
  readonly translationMillis: number
  /** null where nothing was recorded. */
  readonly recordedMillis: number | null
  /** How many times as long as the whole replay it would take here, carried over by the yardstick. */
  readonly faster: number | null
}

/** @param speed of this machine over the one of the record. */
export function goldenBench(
  golden: GoldenCase,
  recorded: readonly EndToEndRecord[],
  speed: number,
): GoldenRow {
  const millis = best(() => driveCase(golden))
  const record = recorded.find((row) => row.case === golden.name)
  const recordedMillis = record === undefined ? null : record.scheduler_s * 1_000
  return {
    name: golden.name,
    requests: golden.requests.length,
    millis,
    translationMillis: best(() => translate(golden)),
    recordedMillis,
    faster: recordedMillis === null ? null : recordedMillis / speed / millis,
  }
}

/** What the replay does besides scheduling, over the same numbers of tokens. Answers a sum, so that it is really done. */
function translate({ requests, expect }: GoldenCase): number {
  let sum = 0
  for (const request of requests) sum += promptTokens(request.prompt, request.prompt_len).length
  for (let i = 0; i < expect.totals.output_tokens; i++) {
    const r = i % requests.length
    sum += outputToken(requests[r], r, i)
  }
  return sum
}

function best(run: () => unknown): number {
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    run()
    least = Math.min(least, performance.now() - started)
  }
  return least
}
