import type { Summary } from '@kvasir/contracts'
import type { Machine, Micros } from '@kvasir/kernel'
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
  /** What has ended asks for more runs; a person may want to know why. */
  | { readonly kind: 'extended'; readonly because: string }
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

/** How runs stand, for whoever decides which are next. */
export interface RunsSoFar {
  /** By the runs' ids. */
  readonly summaries: ReadonlyMap<string, Summary>
  readonly failures: ReadonlyMap<string, string>
  readonly underWay: number
}

/** Runs that are wanted besides those that were planned; some of them may have ended. */
export interface FurtherRuns {
  readonly runs: readonly PlannedRun[]
  readonly because: string
}

/**
 * Conducts runs: which is next, which is tried again, when all is over. It performs nothing and keeps nothing: whoever drives it
 * writes down every `record`, and with those a later machine goes on where this one was.
 */
export class RunConductor implements Machine<ExperimentInput, ExperimentEffect> {
  readonly #runs: PlannedRun[]
  readonly #more: (sofar: RunsSoFar) => FurtherRuns | undefined
  /** Place in `#runs` of the first that has not been looked at. */
  #next = 0
  #slots = 0
  #isStopping = false
  #isOver = false
  readonly #again: PlannedRun[] = []
  readonly #underWay = new Map<string, PlannedRun>()
  readonly #attempts = new Map<string, number>()
  readonly #summaries = new Map<string, Summary>()
  readonly #failures = new Map<string, string>()

  /**
   * @param more asked when a run could begin and none is left: by results alone, so that a resumed experiment asks for the same ones.
   * @param records of an earlier attempt: what has ended is not run again, what failed is.
   */
  constructor(
    runs: readonly PlannedRun[],
    more: (sofar: RunsSoFar) => FurtherRuns | undefined,
    records: readonly RunRecord[],
  ) {
    this.#runs = [...runs]
    this.#more = more
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

  /** All runs that were planned so far, in the order in which they were. */
  get runs(): readonly PlannedRun[] {
    return this.#runs
  }

  get sofar(): RunsSoFar {
    return { summaries: this.#summaries, failures: this.#failures, underWay: this.#underWay.size }
  }

  get progress(): ExperimentProgress {
    return {
      planned: this.#runs.length,
      ended: this.#runs.filter(({ id }) => this.#summaries.has(id)).length,
      failed: this.#failures.size,
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
      this.#failures.set(id, answer.reason)
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
      const run = this.#take() ?? this.#takeFurther(effects)
      if (run === undefined) break
      const attempt = (this.#attempts.get(run.id) ?? 0) + 1
      this.#attempts.set(run.id, attempt)
      this.#underWay.set(run.id, run)
      effects.push({ kind: 'execute', run, attempt })
    }
    if (this.#underWay.size > 0 || this.#slots === 0) return
    const isComplete =
      this.#next === this.#runs.length && this.#again.length === 0 && this.#more(this.sofar) === undefined
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

  /** After a resumption what is asked for may have run as well; then more is asked for. */
  #takeFurther(effects: ExperimentEffect[]): PlannedRun | undefined {
    for (;;) {
      const further = this.#more(this.sofar)
      if (further === undefined) return undefined
      this.#runs.push(...further.runs)
      effects.push({ kind: 'extended', because: further.because })
      const run = this.#take()
      if (run !== undefined) return run
    }
  }
}

function endedRecord(id: string, attempts: number, { summary, samples, drawing }: RunOutcome): RunRecord {
  const counted = samples === null ? null : { seen: samples.seen, kept: samples.rows.length }
  return { kind: 'ended', id, attempts, summary, samples: counted, hasDrawing: drawing !== '' }
}
