import type { Distribution } from '@kvasir/contracts'
import type { Samples } from './samples.js'

/** The members of `summary.json` for one kind of number; every one but `count` is null when there are no samples. */
export function summarise(samples: Samples): Distribution {
  return {
    count: samples.count,
    mean: samples.mean() ?? null,
    p50: samples.percentile(50) ?? null,
    p90: samples.percentile(90) ?? null,
    p95: samples.percentile(95) ?? null,
    p99: samples.percentile(99) ?? null,
    max: samples.max() ?? null,
  }
}
