import type { RunJob } from '@kvasir/experiment'

/** Which code: what is computed by other code is no result of an experiment. */
export interface CodeIdentity {
  /** Letters and digits; equal for equal sources. */
  readonly id: string
  /** For people: the version and, if known, the commit. */
  readonly name: string
}

/** Data of an experiment's job, for whoever looks at the queue. */
export interface ExperimentCard {
  readonly experiment: string
  /** Of its name. */
  readonly title: string
  readonly question: string
  readonly code: CodeIdentity
  /** Where its results are written: host and folder. */
  readonly results: string
}

/** A file that a run reads; a worker must have the same. */
export interface InputFile {
  /** As the scenario names it. */
  readonly file: string
  readonly sha256: string
}

/** Data of a run's job: all a worker needs but the files themselves. */
export interface RunOrder {
  readonly experimentJob: string
  /** Name of the experiment. */
  readonly title: string
  readonly job: RunJob
  readonly inputs: readonly InputFile[]
}

/** What a run's job returns: its outcome is beside it, under a key of its own. */
export interface RunTicket {
  /** `cancelled`: nobody wants it any more, and there is no outcome. */
  readonly kind: 'answered' | 'cancelled'
  readonly worker: string
  /** Of the outcome as it lies in Redis. */
  readonly bytes: number
}
