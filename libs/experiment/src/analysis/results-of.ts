import { type ExperimentPlan, runsOfSeed } from '../plan/plan-experiment.js'
import type { PlannedRun, RunRecord } from '../run.js'
import type { RunResult } from './observations.js'

/** What a journal says of the runs of a plan. */
export interface PlanResults {
  readonly runs: readonly PlannedRun[]
  /** Those that have ended, in the order of the plan and not of their ends. */
  readonly results: readonly (RunResult & { readonly run: PlannedRun; readonly record: EndedRecord })[]
  readonly failures: readonly { readonly run: PlannedRun; readonly reason: string }[]
}

type EndedRecord = Extract<RunRecord, { readonly kind: 'ended' }>

/**
 * Of several records of a run the first end counts: a run that was executed twice is counted once, and one that failed before it
 * ended has ended.
 */
export function resultsOf(
  plan: ExperimentPlan,
  seeds: readonly number[],
  records: readonly RunRecord[],
): PlanResults {
  const ended = new Map<string, EndedRecord>()
  const failed = new Map<string, string>()
  for (const record of records) {
    if (record.kind === 'failed') failed.set(record.id, record.reason)
    else if (!ended.has(record.id)) ended.set(record.id, record)
  }
  const runs = seeds.flatMap((seed) => runsOfSeed(plan, seed))
  return {
    runs,
    results: runs.flatMap((run) => {
      const record = ended.get(run.id)
      return record === undefined ? [] : [{ run, record, summary: record.summary }]
    }),
    failures: runs.flatMap((run) => {
      const reason = ended.has(run.id) ? undefined : failed.get(run.id)
      return reason === undefined ? [] : [{ run, reason }]
    }),
  }
}
