import type { RunAnswer } from '@kvasir/experiment'
import { type Job, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { connectQueue, type QueueAddress, reachQueue } from './connect.js'
import { CANCELLED_CHANNEL, cancelledKey, PREFIX, runsQueue } from './names.js'
import type { ExperimentCard, RunOrder, RunTicket } from './orders.js'
import { putAnswer } from './outcome-parcel.js'
import { experimentsUnderWay, openExperiments } from './run-queues.js'

/** What became of an order. `unable`: not here, for want of something that others may have; whoever works here should stop. */
export type WorkAnswer =
  | Exclude<RunAnswer, { readonly kind: 'returned' }>
  | { readonly kind: 'unable'; readonly reason: string }

export interface RunWorkerOptions {
  readonly address: QueueAddress
  /** Id of the code whose runs it takes. */
  readonly code: string
  /** Runs at a time. */
  readonly slots: number
  /** For people who look at the queue. */
  readonly name: string
  /** Computes a run. Once the signal is given its answer does not matter, and it is to come soon. */
  work(order: RunOrder, signal: AbortSignal): Promise<WorkAnswer>
  /** Told what a person should know. */
  say(line: string): void
}

/**
 * A run whose lock was not renewed for so long, ms, is another worker's. Locks are renewed twice in that time, whatever the run takes:
 * it is computed in another process. Looked for every `STALLED_MS`, so that a killed worker's run goes on after 10 to 16 s.
 */
const LOCK_MS = 10_000
const STALLED_MS = 3_000
/** Times that a run may lose its worker and go on: a run that kills its workers must not kill them all. */
const STALLED_MAX = 2

/** One process's part in the queue: takes runs, has them computed, lays down what they come to. */
export class RunWorker {
  /** Resolves with the reason when this worker lacks what runs need, after it has stopped. */
  readonly unable: Promise<string>
  readonly #options: RunWorkerOptions
  readonly #redis: Redis
  readonly #ears: Redis
  readonly #slots: readonly Worker<RunOrder, RunTicket>[]
  readonly #underWay = new Map<string, { readonly experimentJob: string; readonly stop: AbortController }>()
  #tellUnable: (reason: string) => void = () => {}
  #complaint = ''
  #isGivingBack = false
  #ended: Promise<void> | undefined

  private constructor(options: RunWorkerOptions) {
    this.#options = options
    this.#redis = connectQueue(options.address)
    this.#ears = connectQueue(options.address)
    this.unable = new Promise((resolve) => {
      this.#tellUnable = resolve
    })
    this.#ears.on('message', (_channel, experimentJob: string) => this.#cancel(experimentJob))
    this.#ears.subscribe(CANCELLED_CHANNEL).catch((error: unknown) => this.#complain(error))
    // One each, so that whoever counts workers counts slots.
    this.#slots = Array.from({ length: options.slots }, () => this.#slot())
  }

  /** @throws {QueueTrouble} when no Redis answers. */
  static async start(options: RunWorkerOptions): Promise<RunWorker> {
    await reachQueue(options.address)
    return new RunWorker(options)
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Takes no further run, and resolves when those under way have ended. */
  stop(): Promise<void> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  /** Puts the runs under way back into the queue, for others. */
  async giveBack(): Promise<void> {
    this.#isGivingBack = true
    for (const { stop } of this.#underWay.values()) stop.abort()
    await this.stop()
  }

  /** Experiments under way by other code, of which this worker takes nothing. */
  async strangers(): Promise<readonly ExperimentCard[]> {
    const experiments = openExperiments(this.#redis)
    const all = await experimentsUnderWay(experiments)
    await experiments.close()
    return all.filter(({ code }) => code.id !== this.#options.code)
  }

  async #end(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.close()))
    this.#ears.disconnect()
    this.#redis.disconnect()
  }

  #slot(): Worker<RunOrder, RunTicket> {
    const { code, name } = this.#options
    const slot = new Worker<RunOrder, RunTicket>(runsQueue(code), (job, token) => this.#process(job, token), {
      connection: this.#redis,
      prefix: PREFIX,
      name,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_MS,
      maxStalledCount: STALLED_MAX,
    })
    slot.on('error', (error) => this.#complain(error))
    return slot
  }

  /** @throws {Error} when the run is to be tried again; {WaitingError} when it is back in the queue. */
  async #process(job: Job<RunOrder, RunTicket>, token: string | undefined): Promise<RunTicket> {
    const { name: worker, work } = this.#options
    const { experimentJob } = job.data
    const id = String(job.id)
    const stop = new AbortController()
    this.#underWay.set(id, { experimentJob, stop })
    try {
      if (await this.#isCancelled(experimentJob)) return { kind: 'cancelled', worker, bytes: 0 }
      if (this.#isGivingBack) return await this.#putBack(job, token)
      const answer = await work(job.data, stop.signal)
      if (await this.#isCancelled(experimentJob)) return { kind: 'cancelled', worker, bytes: 0 }
      if (answer.kind === 'unable') {
        void this.stop().then(() => this.#tellUnable(answer.reason))
        return await this.#putBack(job, token)
      }
      if (answer.kind === 'lost' && stop.signal.aborted) return await this.#putBack(job, token)
      if (answer.kind === 'lost') throw new Error(answer.reason)
      return { kind: 'answered', worker, bytes: await putAnswer(this.#redis, id, answer) }
    } finally {
      this.#underWay.delete(id)
    }
  }

  async #putBack(job: Job<RunOrder, RunTicket>, token: string | undefined): Promise<never> {
    await job.moveToWait(token)
    throw new WaitingError()
  }

  async #isCancelled(experimentJob: string): Promise<boolean> {
    return (await this.#redis.exists(cancelledKey(experimentJob))) === 1
  }

  #cancel(experimentJob: string): void {
    for (const run of this.#underWay.values()) if (run.experimentJob === experimentJob) run.stop.abort()
  }

  /** Once, while it stays the same: while Redis is away every attempt to reach it fails. */
  #complain(error: unknown): void {
    const complaint = error instanceof Error ? error.message : String(error)
    if (complaint !== this.#complaint) this.#options.say(`queue: ${complaint}`)
    this.#complaint = complaint
  }
}
