import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { invariant } from '@kvasir/kernel'
import type { RunAnswer, RunExecutor, RunJob } from '@kvasir/experiment'
import type { WorkerReport, WorkerUsage } from './worker-usage.js'

type Answer = (answer: RunAnswer) => void

interface Worker {
  readonly process: ChildProcess
  /** Undefined when it is idle. */
  answer: Answer | undefined
  /** Of the run that it has, or had last. */
  run: string
  /** After its last run. */
  usage: WorkerUsage | undefined
}

const WORKER_FILE = fileURLToPath(new URL('./worker.js', import.meta.url))

/**
 * Runs in child processes of this one, each started when it is first needed and kept for the runs that follow. A process of its
 * own, not a thread: when one runs out of memory or is killed, only its run is lost.
 */
export class LocalExecutor implements RunExecutor {
  readonly slots: number
  readonly #workers = new Set<Worker>()
  #isClosed = false

  constructor(workers: number) {
    this.slots = workers
  }

  get parallel(): number {
    return this.slots
  }

  /** Processor time of the workers there are, one each that has ended a run. */
  get usage(): readonly WorkerUsage[] {
    return [...this.#workers].flatMap(({ usage }) => usage ?? [])
  }

  execute(job: RunJob, answer: Answer): void {
    const worker = this.#idleWorker()
    worker.answer = answer
    worker.run = job.id
    worker.process.send(job)
  }

  /** Nothing waits here. */
  stop(): void {}

  /** Ends a run in the middle, which is answered with `lost`. */
  cancel(run: string): void {
    for (const { process: child, answer, run: own } of this.#workers)
      if (own === run && answer !== undefined) child.kill('SIGKILL')
  }

  close(): void {
    this.#isClosed = true
    for (const { process: child } of this.#workers) child.kill('SIGKILL')
    this.#workers.clear()
  }

  #idleWorker(): Worker {
    for (const worker of this.#workers) if (worker.answer === undefined) return worker
    invariant(
      this.#workers.size < this.slots,
      () => `${this.#workers.size} workers are busy, of ${this.slots}`,
    )
    return this.#start()
  }

  #start(): Worker {
    const child = fork(WORKER_FILE, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const worker: Worker = { process: child, answer: undefined, run: '', usage: undefined }
    this.#workers.add(worker)
    child.on('message', ({ answer, usage }: WorkerReport) => {
      worker.usage = usage
      this.#answer(worker, answer)
    })
    child.on('error', (error) => this.#lose(worker, error.message))
    child.on('exit', (code, signal) =>
      this.#lose(
        worker,
        signal === null ? `its worker ended with code ${code}` : `its worker was ended by ${signal}`,
      ),
    )
    return worker
  }

  #answer(worker: Worker, answer: RunAnswer): void {
    const { answer: tell } = worker
    worker.answer = undefined
    if (!this.#isClosed) tell?.(answer)
  }

  #lose(worker: Worker, reason: string): void {
    this.#workers.delete(worker)
    this.#answer(worker, { kind: 'lost', reason })
  }
}
