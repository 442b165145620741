import type { Scenario, Summary } from '@kvasir/contracts'

/** One simulation of one policy with one seed. Its id is its content: equal scenarios are equal runs, whoever planned them. */
export interface PlannedRun {
  /** Hexadecimal; hash of the scenario with every default in it, and of the repetition. */
  readonly id: string
  /** Place of its combination of levels in `ExperimentPlan.cells`. */
  readonly cell: number
  readonly seed: number
  /** From 1; repetitions have the same scenario. */
  readonly repetition: number
  readonly scenario: Scenario
  readonly keep: Keep
}

/** What is kept of a run besides its summary. */
export interface Keep {
  /** Curves for plots. */
  readonly drawing: boolean
  /** Requests at most; 0: none. */
  readonly samples: number
}

/** What a run came to. Plain data: it goes through pipes, queues and files. */
export interface RunOutcome {
  readonly summary: Summary
  /** What a report draws of the run, as JSON text of whoever reports; empty when not asked for. */
  readonly drawing: string
  readonly samples: SampleTable | null
}

/** Single requests of a run. */
export interface SampleTable {
  /** Requests there were: more than `rows` when only some were kept. */
  readonly seen: number
  readonly rows: readonly RequestSample[]
}

export interface RequestSample {
  readonly request: string
  readonly model: string
  readonly arrivalUs: number
  readonly promptTokens: number
  /** `finished`, or the reason of its rejection. */
  readonly outcome: string
  /** Null when it did not finish, as all that follow. */
  readonly outputTokens: number | null
  readonly queueUs: number | null
  readonly ttftUs: number | null
  readonly e2eUs: number | null
  readonly preemptions: number | null
}

// ── the port to whoever executes runs ─────────────────────────────────────────────────────────────

/** What an executor is given: all it needs, so that it may be another process or another machine. */
export interface RunJob {
  readonly id: string
  readonly scenario: Scenario
  readonly keep: Keep
  /** Where relative paths of the scenario start. */
  readonly folder: string
}

export type RunAnswer =
  | { readonly kind: 'ended'; readonly outcome: RunOutcome }
  /** The run itself cannot be done, such as a model that does not fit: trying again would not help. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Whoever did it is gone; the run may be tried again. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** Nobody had begun it when the executor was told to stop. */
  | { readonly kind: 'returned' }

/**
 * Whoever executes runs: child processes here, workers behind a queue elsewhere. A run may be executed more than once (a worker
 * that was thought dead, a queue that delivers twice); it is counted once, because outcomes are written under the run's id.
 */
export interface RunExecutor {
  /** Runs it takes at a time. */
  readonly slots: number
  /** Runs that are computed at a time, as far as it knows; the others wait with it. At least 1. */
  readonly parallel: number
  /** Begins a run and returns at once; `answer` is called once, later. Called for `slots` runs at a time at most. */
  execute(job: RunJob, answer: (answer: RunAnswer) => void): void
  /** Begins nothing further: what waits with it is answered with `returned`. */
  stop(): void
  /** Gives up what has not been answered and lets go of workers; nothing is answered from then on. */
  close(): void
}

/** Highest priority of an experiment among those that share workers; higher runs first, and 0 is the lowest. */
export const PRIORITY_MAX = 1_000

// ── what is written down ──────────────────────────────────────────────────────────────────────────

/** A line of the journal. Of several lines of a run the first `ended` counts, else the last one. */
export type RunRecord =
  | {
      readonly kind: 'ended'
      readonly id: string
      readonly attempts: number
      readonly summary: Summary
      /** Requests there were, and how many of them are kept beside the journal. */
      readonly samples: { readonly seen: number; readonly kept: number } | null
      readonly hasDrawing: boolean
    }
  | { readonly kind: 'failed'; readonly id: string; readonly attempts: number; readonly reason: string }
