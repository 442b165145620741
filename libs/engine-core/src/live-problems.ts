import type { SchedulerConfig } from '@kvasir/scheduler'

/** What an engine that serves real requests cannot do of a configuration, as sentences; none when it can do all of it. */
export function liveProblems({ predictor }: SchedulerConfig): readonly string[] {
  if (predictor !== 'oracle') return []
  return [
    'predictor is "oracle"; a live engine does not know how long an output will be: it must be max-tokens or learned',
  ]
}
