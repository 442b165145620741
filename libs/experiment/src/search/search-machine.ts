import type { Micros } from '@kvasir/kernel'
import { failuresAmong, resultsAmong, type RunsMachine } from '../experiment-machine.js'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import type { PlannedRun, RunRecord } from '../run.js'
import {
  type ExperimentEffect,
  type ExperimentInput,
  type ExperimentProgress,
  type FurtherRuns,
  RunConductor,
  type RunsSoFar,
} from '../run-conductor.js'
import type { SearchSpace } from './search-space.js'
import { searchState, type SearchState } from './search-state.js'

/**
 * Conducts a search: whenever a run could begin, the searches of all combinations say which runs they want by what is known, so
 * that none waits for another. Resumed with its records it asks for what it would have asked for.
 */
export class SearchMachine implements RunsMachine {
  readonly space: SearchSpace
  readonly #conductor: RunConductor

  /** @param records of an earlier attempt: what has ended is not run again, what failed is. */
  constructor(space: SearchSpace, records: readonly RunRecord[] = []) {
    this.space = space
    this.#conductor = new RunConductor([], (sofar) => this.#further(sofar), records)
  }

  step(now: Micros, input: ExperimentInput): readonly ExperimentEffect[] {
    return this.#conductor.step(now, input)
  }

  nextDeadline(): undefined {
    return undefined
  }

  /** How far it is. */
  get state(): SearchState {
    return searchState(this.space, this.#conductor.sofar)
  }

  get plan(): ExperimentPlan {
    return this.state.plan
  }

  get seeds(): readonly number[] {
    return this.space.plan.seeds
  }

  get runs(): readonly PlannedRun[] {
    return this.state.runs
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

  #further(sofar: RunsSoFar): FurtherRuns | undefined {
    const { runs, plan } = searchState(this.space, sofar)
    const asked = new Set(this.#conductor.runs.map(({ id }) => id))
    // Two spots may be the same scenario: its run is one.
    const wanted = new Map(runs.map((run) => [run.id, run]))
    const fresh = [...wanted.values()].filter(({ id }) => !asked.has(id))
    if (fresh.length === 0) return undefined
    const spots = new Set(fresh.map(({ cell }) => plan.cells[cell].levels.join(' ')))
    return { runs: fresh, because: `next: ${[...spots].join(', ')}` }
  }
}
