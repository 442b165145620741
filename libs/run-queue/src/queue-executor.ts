import type { RunAnswer, RunExecutor, RunJob } from '@kvasir/experiment'
import { QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { addressName, connectQueue, type QueueAddress, reachQueue } from './connect.js'
import { ExperimentFlow } from './experiment-flow.js'
import { outcomeKey, PREFIX, runJobId } from './names.js'
import type { CodeIdentity, ExperimentCard, InputFile } from './orders.js'
import { getAnswer } from './outcome-parcel.js'
import { openRuns } from './run-queues.js'

export interface QueueExecutorOptions {
  readonly address: QueueAddress
  /** That computes it. */
  readonly code: CodeIdentity
  /** Of the experiment, asked for when its first run is queued. */
  card(): Omit<ExperimentCard, 'code'>
  /** From 0 to `PRIORITY_MAX`; higher runs first. */
  readonly priority: number
  /** Files that a run reads. */
  inputsOf(job: RunJob): readonly InputFile[]
  /** Told what a person should know. */
  say(line: string): void
}

/** Runs that are in the queue at a time: more than there are workers, so that none of them waits for this process. */
const QUEUED_MAX = 1_000
/** Between looks at all that is queued, ms. Events come at once; a look finds what they have missed. */
const LOOK_MS = 2_000
/** How long the end may take, ms. */
const CLOSE_MS = 20_000

/** A run that is to be answered. */
interface Wanted {
  readonly job: RunJob
  readonly answer: (answer: RunAnswer) => void
  readonly inputs: readonly InputFile[]
  /** In the queue by this executor's doing; what was there before may have failed for what is mended now. */
  isAdded: boolean
}

/**
 * Runs by way of a queue in Redis, to workers anywhere. Nothing is lost when this process is killed: its runs stay in the queue,
 * are computed, and are collected by the next executor that is given them.
 */
export class QueueExecutor implements RunExecutor {
  readonly slots = QUEUED_MAX
  readonly #options: QueueExecutorOptions
  readonly #redis: Redis
  readonly #wanted = new Map<string, Wanted>()
  readonly #timer: NodeJS.Timeout
  #flow: ExperimentFlow | undefined
  #events: QueueEvents | undefined
  #workers: number | undefined
  #complaint = ''
  /** Runs wait to be queued together. */
  #isGathering = false
  #isLooking = false
  #isClosed = false
  /** What is done with the queue, one thing after the other. */
  #work: Promise<void> = Promise.resolve()

  private constructor(options: QueueExecutorOptions) {
    this.#options = options
    this.#redis = connectQueue(options.address)
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_MS)
  }

  /** @throws {QueueTrouble} when no Redis answers. */
  static async open(options: QueueExecutorOptions): Promise<QueueExecutor> {
    await reachQueue(options.address)
    const executor = new QueueExecutor(options)
    await executor.#countWorkers()
    return executor
  }

  get parallel(): number {
    return Math.max(1, this.#workers ?? 1)
  }

  execute(job: RunJob, answer: (answer: RunAnswer) => void): void {
    const inputs = this.#options.inputsOf(job)
    this.#wanted.set(job.id, { job, answer, inputs, isAdded: false })
    if (this.#isGathering) return
    this.#isGathering = true
    this.#do(() => {
      this.#isGathering = false
      return this.#look([...this.#wanted.values()].filter(({ isAdded }) => !isAdded))
    })
  }

  /** Takes back what no worker has begun. */
  stop(): void {
    this.#do(async () => {
      for (const { job } of this.#wanted.values()) {
        const state = await this.#begun().state(job.id)
        const isWaiting = state !== 'active' && state !== 'completed' && state !== 'failed'
        if (!isWaiting || (state !== 'unknown' && !(await this.#begun().take(job.id)))) continue
        this.#answer(job.id, { kind: 'returned' })
      }
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    const late = setTimeout(() => {
      this.#options.say('Redis does not answer; runs may have stayed in the queue')
      this.#redis.disconnect()
    }, CLOSE_MS)
    void this.#work
      .then(() => this.#leave())
      .catch((error: unknown) => this.#complain(error))
      .finally(() => {
        clearTimeout(late)
        this.#redis.disconnect()
      })
  }

  /** The experiment is over here: nothing of it stays in Redis. */
  async #leave(): Promise<void> {
    await this.#events?.close()
    if (this.#flow === undefined) return
    const removal = await this.#flow.remove()
    if (removal === 'lingering')
      this.#options.say('a worker still holds a run that nobody wants any more; what it comes to is dropped')
    await this.#flow.close()
  }

  #begun(): ExperimentFlow {
    if (this.#flow !== undefined) return this.#flow
    const { card, code, priority } = this.#options
    const flow = new ExperimentFlow(this.#redis, { ...card(), code }, priority)
    const events = new QueueEvents(flow.runs.name, { connection: this.#redis, prefix: PREFIX })
    events.on('error', () => undefined)
    const ended = ({ jobId }: { readonly jobId: string }) => {
      const wanted = this.#wanted.get(jobId.slice(flow.id.length + 1))
      if (jobId.startsWith(flow.id) && wanted) this.#do(() => this.#look([wanted]))
    }
    events.on('completed', ended)
    events.on('failed', ended)
    this.#events = events
    this.#flow = flow
    return flow
  }

  /** One look at a time, also after Redis was away for long. */
  #lookSoon(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#do(() => this.#lookAtAll())
  }

  async #lookAtAll(): Promise<void> {
    this.#isLooking = false
    if (this.#wanted.size === 0) return
    await this.#look([...this.#wanted.values()])
    await this.#countWorkers()
  }

  /** Answers those that have ended, and queues those that are not there. */
  async #look(some: readonly Wanted[]): Promise<void> {
    const flow = this.#begun()
    const missing: Wanted[] = []
    for (const wanted of some) {
      const { id } = wanted.job
      if (this.#isClosed || this.#wanted.get(id) !== wanted) continue
      const state = await flow.state(id)
      if (state === 'unknown') missing.push(wanted)
      else if (state === 'completed' || state === 'failed') await this.#settle(wanted, state, missing)
      else wanted.isAdded = true
    }
    if (missing.length === 0 || this.#isClosed) return
    await flow.add(
      missing.map(({ job, inputs }) => ({
        experimentJob: flow.id,
        title: this.#options.card().title,
        job,
        inputs,
      })),
    )
    for (const wanted of missing) wanted.isAdded = true
  }

  async #settle(wanted: Wanted, state: 'completed' | 'failed', missing: Wanted[]): Promise<void> {
    const { id } = wanted.job
    const flow = this.#begun()
    const key = runJobId(flow.id, id)
    const answer = state === 'completed' ? await getAnswer(this.#redis, key) : undefined
    if (answer !== undefined) {
      this.#answer(id, answer)
      await this.#redis.del(outcomeKey(key))
    } else if (!wanted.isAdded) {
      await flow.take(id)
      missing.push(wanted)
    } else if (state === 'failed') this.#answer(id, { kind: 'failed', reason: await flow.failure(id) })
    else this.#answer(id, { kind: 'lost', reason: 'its outcome is not in Redis any more' })
  }

  #answer(id: string, answer: RunAnswer): void {
    const wanted = this.#wanted.get(id)
    this.#wanted.delete(id)
    if (!this.#isClosed) wanted?.answer(answer)
  }

  async #countWorkers(): Promise<void> {
    const runs = openRuns(this.#redis, this.#options.code.id)
    const count = await runs.getWorkersCount()
    await runs.close()
    if (count > 0 !== (this.#workers ?? 1) > 0) this.#options.say(workersText(count, this.#options))
    this.#workers = count
  }

  /** What fails is done again at the next look. */
  #do(task: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#isClosed ? undefined : task()))
      .catch((e: unknown) => this.#complain(e))
  }

  /** Once, while it stays the same. */
  #complain(error: unknown): void {
    const complaint = error instanceof Error ? error.message : String(error)
    if (complaint !== this.#complaint) this.#options.say(`queue: ${complaint}`)
    this.#complaint = complaint
  }
}

function workersText(count: number, { address, code }: QueueExecutorOptions): string {
  if (count > 0) return `${count} runs at a time by workers`
  return `no worker takes runs of ${code.name} (code ${code.id}); start some: kvasir experiment worker --redis ${addressName(address)}`
}
