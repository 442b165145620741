import type { Summary } from '@kvasir/contracts'
import type { Machine, Micros } from '@kvasir/kernel'
import type { RunResult } from './analysis/observations.js'
import { nextSeeds } from './analysis/stop-rule.js'
import { type ExperimentPlan, runsOfSeed } from './plan/plan-experiment.js'
import type { PlannedRun, RunAnswer, RunOutcome, RunRecord } from './run.js'

export type ExperimentInput =
  /** Runs may begin, so many at a time. */
  | { readonly kind: 'start'; readonly slots: number }
  | { readonly kind: 'answered'; readonly id: string; readonly answer: RunAnswer }
  /** No further run is begun; those under way are waited for. */
  | { readonly kind: 'stop' }

export type ExperimentEffect =
  | { readonly kind: 'execute'; readonly run: PlannedRun; readonly attempt: number }
  /** To be durable before the next effect is performed. */
  | { readonly kind: 'record'; readonly record: RunRecord; readonly outcome: RunOutcome | undefined }
  /** The stopping rule asks for more. */
  | { readonly kind: 'extended'; readonly seeds: readonly number[] }
  | { readonly kind: 'over'; readonly because: 'complete' | 'stopped' }

/** Attempts at a run whose workers die under it. */
export const ATTEMPTS_MAX = 3

/** How far an experiment is, in runs. */
export interface ExperimentProgress {
  readonly planned: number
  readonly ended: number
  readonly failed: number
  readonly underWay: number
}

/**
 * Conducts an experiment: which run is next, which is tried again, when seeds are added, when all is over. It performs nothing
 * and keeps nothing: whoever drives it writes down every `record`, and with those a later machine goes on where this one was.
 */
export class ExperimentMachine implements Machine<ExperimentInput, ExperimentEffect> {
  readonly #plan: ExperimentPlan
  #seeds: readonly number[]
  #runs: PlannedRun[]
  /** Place in `#runs` of the first that has not been looked at. */
  #next = 0
  #slots = 0
  #isStopping = false
  #isOver = false
  readonly #again: PlannedRun[] = []
  readonly #underWay = new Map<string, PlannedRun>()
  readonly #attempts = new Map<string, number>()
  readonly #summaries = new Map<string, Summary>()
  readonly #failed = new Map<string, string>()

  /** @param records of an earlier attempt at the experiment: what has ended is not run again, what failed is. */
  constructor(plan: ExperimentPlan, records: readonly RunRecord[] = []) {
    this.#plan = plan
    this.#seeds = plan.seeds
    this.#runs = [...plan.runs]
    for (const record of records) if (record.kind === 'ended') this.#keep(record.id, record.summary)
  }

  step(_now: Micros, input: ExperimentInput): readonly ExperimentEffect[] {
    const effects: ExperimentEffect[] = []
    switch (input.kind) {
      case 'start':
        this.#slots = input.slots
        break
      case 'stop':
        this.#isStopping = true
        break
      case 'answered':
        this.#answered(input.id, input.answer, effects)
    }
    this.#fillSlots(effects)
    return effects
  }

  nextDeadline(): undefined {
    return undefined
  }

  /** Seeds so far, those that the stopping rule has added at the end. */
  get seeds(): readonly number[] {
    return this.#seeds
  }

  /** All runs so far that are planned, in the order of their tables. */
  get runs(): readonly PlannedRun[] {
    return this.#runs
  }

  /** Those that have ended, in the order of the plan and not of their ends. */
  get results(): readonly (RunResult & { readonly run: PlannedRun })[] {
    return this.#runs.flatMap((run) => {
      const summary = this.#summaries.get(run.id)
      return summary === undefined ? [] : [{ run, summary }]
    })
  }

  get failures(): readonly { readonly run: PlannedRun; readonly reason: string }[] {
    return this.#runs.flatMap((run) => {
      const reason = this.#failed.get(run.id)
      return reason === undefined ? [] : [{ run, reason }]
    })
  }

  get progress(): ExperimentProgress {
    return {
      planned: this.#runs.length,
      ended: this.#runs.filter(({ id }) => this.#summaries.has(id)).length,
      failed: this.#failed.size,
      underWay: this.#underWay.size,
    }
  }

  /** An answer that nobody waits for any more is of a run that was answered before: it changes nothing. */
  #answered(id: string, answer: RunAnswer, effects: ExperimentEffect[]): void {
    const run = this.#underWay.get(id)
    if (run === undefined) return
    this.#underWay.delete(id)
    const attempts = this.#attempts.get(id) ?? 1
    if (answer.kind === 'ended') {
      this.#keep(id, answer.outcome.summary)
      effects.push({
        kind: 'record',
        record: endedRecord(id, attempts, answer.outcome),
        outcome: answer.outcome,
      })
    } else if (answer.kind === 'returned') {
      this.#attempts.set(id, attempts - 1)
      this.#again.push(run)
    } else if (answer.kind === 'lost' && attempts < ATTEMPTS_MAX) {
      this.#again.push(run)
    } else {
      this.#failed.set(id, answer.reason)
      const record = { kind: 'failed' as const, id, attempts, reason: answer.reason }
      effects.push({ kind: 'record', record, outcome: undefined })
    }
  }

  #keep(id: string, summary: Summary): void {
    if (!this.#summaries.has(id)) this.#summaries.set(id, summary)
  }

  #fillSlots(effects: ExperimentEffect[]): void {
    if (this.#isOver) return
    while (!this.#isStopping && this.#underWay.size < this.#slots) {
      const run = this.#take() ?? (this.#extend(effects) ? this.#take() : undefined)
      if (run === undefined) break
      const attempt = (this.#attempts.get(run.id) ?? 0) + 1
      this.#attempts.set(run.id, attempt)
      this.#underWay.set(run.id, run)
      effects.push({ kind: 'execute', run, attempt })
    }
    if (this.#underWay.size > 0 || this.#slots === 0) return
    const isComplete = this.#next === this.#runs.length && this.#again.length === 0
    this.#isOver = true
    effects.push({ kind: 'over', because: isComplete ? 'complete' : 'stopped' })
  }

  #take(): PlannedRun | undefined {
    const again = this.#again.shift()
    if (again !== undefined) return again
    while (this.#next < this.#runs.length) {
      const run = this.#runs[this.#next++]
      if (!this.#summaries.has(run.id)) return run
    }
    return undefined
  }

  /** Asks the stopping rule once everything planned so far has ended; a failed run ends the asking. */
  #extend(effects: ExperimentEffect[]): boolean {
    if (this.#underWay.size > 0 || this.#failed.size > 0) return false
    let isExtended = false
    for (;;) {
      const added = nextSeeds(this.#plan, this.#seeds, this.results)
      if (added.length === 0) return isExtended
      this.#seeds = [...this.#seeds, ...added]
      const runs = added.flatMap((seed) => runsOfSeed(this.#plan, seed))
      this.#runs.push(...runs)
      effects.push({ kind: 'extended', seeds: added })
      isExtended = true
      // After a resumption these may have run as well; then the rule is asked again.
      if (runs.some(({ id }) => !this.#summaries.has(id))) return true
    }
  }
}

function endedRecord(id: string, attempts: number, { summary, samples, drawing }: RunOutcome): RunRecord {
  const counted = samples === null ? null : { seen: samples.seen, kept: samples.rows.length }
  return { kind: 'ended', id, attempts, summary, samples: counted, hasDrawing: drawing !== '' }
}
