import type { Machine, Micros } from '@kvasir/kernel'
import type { RunResult } from './analysis/observations.js'
import { nextSeeds } from './analysis/stop-rule.js'
import { type ExperimentPlan, runsOfSeed } from './plan/plan-experiment.js'
import type { PlannedRun, RunRecord } from './run.js'
import {
  type ExperimentEffect,
  type ExperimentInput,
  type ExperimentProgress,
  type FurtherRuns,
  RunConductor,
  type RunsSoFar,
} from './run-conductor.js'

/** What a driver needs of whatever decides on runs: all combinations of an experiment, or a search among them. */
export interface RunsMachine extends Machine<ExperimentInput, ExperimentEffect> {
  /** All runs so far that are planned, in the order of their tables. */
  readonly runs: readonly PlannedRun[]
  /** Those that have ended, in the order of the plan and not of their ends. */
  readonly results: readonly (RunResult & { readonly run: PlannedRun })[]
  readonly failures: readonly { readonly run: PlannedRun; readonly reason: string }[]
  readonly progress: ExperimentProgress
  /** The combinations that `runs` are of. */
  readonly plan: ExperimentPlan
  readonly seeds: readonly number[]
}

/** Conducts an experiment: all combinations with all seeds, then more seeds while the stopping rule asks for them. */
export class ExperimentMachine implements RunsMachine {
  readonly plan: ExperimentPlan
  readonly #conductor: RunConductor

  /** @param records of an earlier attempt at the experiment: what has ended is not run again, what failed is. */
  constructor(plan: ExperimentPlan, records: readonly RunRecord[] = []) {
    this.plan = plan
    this.#conductor = new RunConductor(plan.runs, (sofar) => this.#further(sofar), records)
  }

  step(now: Micros, input: ExperimentInput): readonly ExperimentEffect[] {
    return this.#conductor.step(now, input)
  }

  nextDeadline(): undefined {
    return undefined
  }

  /** Seeds so far, those that the stopping rule has added at the end. */
  get seeds(): readonly number[] {
    return [...new Set(this.runs.map(({ seed }) => seed))]
  }

  get runs(): readonly PlannedRun[] {
    return this.#conductor.runs
  }

  get results(): RunsMachine['results'] {
    return resultsAmong(this.runs, this.#conductor.sofar)
  }

  get failures(): RunsMachine['failures'] {
    return failuresAmong(this.runs, this.#conductor.sofar)
  }

  get progress(): ExperimentProgress {
    return this.#conductor.progress
  }

  /** Asks the stopping rule once everything planned so far has ended; a failed run ends the asking. */
  #further({ underWay, failures }: RunsSoFar): FurtherRuns | undefined {
    if (underWay > 0 || failures.size > 0) return undefined
    const added = nextSeeds(this.plan, this.seeds, this.results)
    if (added.length === 0) return undefined
    return {
      runs: added.flatMap((seed) => runsOfSeed(this.plan, seed)),
      because: `not sharp enough yet: seeds ${added.join(', ')} as well`,
    }
  }
}

export function resultsAmong(
  runs: readonly PlannedRun[],
  { summaries }: Pick<RunsSoFar, 'summaries'>,
): RunsMachine['results'] {
  return runs.flatMap((run) => {
    const summary = summaries.get(run.id)
    return summary === undefined ? [] : [{ run, summary }]
  })
}

export function failuresAmong(
  runs: readonly PlannedRun[],
  { failures }: Pick<RunsSoFar, 'failures'>,
): RunsMachine['failures'] {
  return runs.flatMap((run) => {
    const reason = failures.get(run.id)
    return reason === undefined ? [] : [{ run, reason }]
  })
}
