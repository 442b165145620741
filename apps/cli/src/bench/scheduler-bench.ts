import type { GoldenCase } from '@kvasir/scheduler'
import { type BurstResult, burstBench } from './scheduler/burst-bench.js'
import { type DecodeRow, decodeBench } from './scheduler/decode-bench.js'
import { type GoldenRow, goldenBench } from './scheduler/golden-bench.js'
import type { Recorded } from './scheduler/recorded.js'
import { type ScaleRow, scaleBench } from './scheduler/scale-bench.js'
import { heapHoldPerSecond, RECORDED_HEAP_HOLD_PER_SECOND } from './yardstick.js'

/** Bars of the issue that asked for this bench: at least so many times faster than recorded, at most such ratios. */
export const SCHEDULER_BARS = { decode: 50, golden: 30, decodeRatio: 1, burstRatio: 12 } as const

export interface SchedulerBenchResult {
  readonly yardstick: {
    readonly heapHoldPerSecond: number
    readonly recorded: number
    readonly speed: number
  }
  readonly decode: readonly DecodeRow[]
  /** Nanoseconds a sequence and step at 4,096 sequences over those at 32. */
  readonly decodeRatio: { readonly cachingOff: number; readonly cachingOn: number }
  readonly golden: readonly GoldenRow[]
  readonly burst: BurstResult
  readonly scale: readonly ScaleRow[]
}

/** What was recorded of the other scheduler, and its large cases; both may be missing. */
export interface GoldenFolder {
  readonly recorded: Recorded
  readonly cases: readonly GoldenCase[]
}

/** Measures one part after the other; `report` hears which. */
export function schedulerBench(
  { recorded, cases }: GoldenFolder,
  report: (part: string) => void,
): SchedulerBenchResult {
  report('yardstick')
  const holds = heapHoldPerSecond()
  const speed = holds / RECORDED_HEAP_HOLD_PER_SECOND
  report('steady decode')
  const decode = decodeBench(recorded.decode, speed)
  const golden = cases.map((each) => {
    report(each.name)
    return goldenBench(each, recorded.end_to_end, speed)
  })
  report('1,000 and 10,000 requests at once')
  const burst = burstBench(speed)
  report('large pools and contexts')
  const scale = scaleBench()
  return {
    yardstick: { heapHoldPerSecond: holds, recorded: RECORDED_HEAP_HOLD_PER_SECOND, speed },
    decode,
    decodeRatio: { cachingOff: ratioOf(decode, false), cachingOn: ratioOf(decode, true) },
    golden,
    burst,
    scale,
  }
}

function ratioOf(rows: readonly DecodeRow[], prefixCaching: boolean): number {
  const nanos = (batch: number) =>
    rows.find((row) => row.batch === batch && row.prefixCaching === prefixCaching)?.nanosPerSequence ?? NaN
  return nanos(4_096) / nanos(32)
}
