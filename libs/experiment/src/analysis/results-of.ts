import { type ExperimentPlan, runsOfSeed } from '../plan/plan-experiment.js'
import type { PlannedRun, RunRecord } from '../run.js'
import type { KnownRuns } from '../search/search-state.js'
import type { RunResult } from './observations.js'

/** What a journal says of the runs of a plan. */
export interface PlanResults {
  readonly runs: readonly PlannedRun[]
  /** Those that have ended, in the order of the plan and not of their ends. */
  readonly results: readonly (RunResult & { readonly run: PlannedRun; readonly record: EndedRecord })[]
  readonly failures: readonly { readonly run: PlannedRun; readonly reason: string }[]
}

type EndedRecord = Extract<RunRecord, { readonly kind: 'ended' }>

/** @param seeds with those that the stopping rule has added. */
export function resultsOf(
  plan: ExperimentPlan,
  seeds: readonly number[],
  records: readonly RunRecord[],
): PlanResults {
  return resultsOfRuns(
    seeds.flatMap((seed) => runsOfSeed(plan, seed)),
    records,
  )
}

/**
 * Of several records of a run the first end counts: a run that was executed twice is counted once, and one that failed before it
 * ended has ended.
 */
export function resultsOfRuns(runs: readonly PlannedRun[], records: readonly RunRecord[]): PlanResults {
  const { ended, failed } = endsOf(records)
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

/** The same of all runs that a journal knows, whoever planned them. */
export function knownRuns(records: readonly RunRecord[]): KnownRuns {
  const { ended, failed } = endsOf(records)
  for (const id of ended.keys()) failed.delete(id)
  return {
    summaries: new Map([...ended].map(([id, { summary }]) => [id, summary])),
    failures: failed,
  }
}

function endsOf(records: readonly RunRecord[]) {
  const ended = new Map<string, EndedRecord>()
  const failed = new Map<string, string>()
  for (const record of records) {
    if (record.kind === 'failed') failed.set(record.id, record.reason)
    else if (!ended.has(record.id)) ended.set(record.id, record)
  }
  return { ended, failed }
}
