import type { RunAnswer, RunExecutor, RunJob } from '@kvasir/experiment'
import { executeRun, RunCache } from '../experiment/execute-run.js'

/** Runs in this process, one at a time: the same numbers as a worker's, without the second that it takes to start. */
export class HereExecutor implements RunExecutor {
  readonly slots = 1
  readonly parallel = 1
  readonly #cache = new RunCache()
  #isClosed = false

  execute(job: RunJob, answer: (answer: RunAnswer) => void): void {
    void executeRun(job, this.#cache).then(({ outcome }) => {
      // As it would be after a pipe or a queue.
      if (!this.#isClosed) answer({ kind: 'ended', outcome: JSON.parse(JSON.stringify(outcome)) })
    })
  }

  stop(): void {}

  close(): void {
    this.#isClosed = true
  }
}
