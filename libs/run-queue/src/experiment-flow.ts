import { PRIORITY_MAX } from '@kvasir/experiment'
import { FlowProducer, type JobState } from 'bullmq'
import type { Redis } from 'ioredis'
import { jobsOfExperiment, type Removal, removeExperiment } from './cancel.js'
import { cancelledKey, EXPERIMENTS, experimentJobId, PREFIX, runJobId, runsQueue } from './names.js'
import type { ExperimentCard, RunOrder } from './orders.js'
import { type ExperimentQueue, openExperiments, openRuns, type RunsQueue } from './run-queues.js'

/** Times a run is begun anew when the process that computed it broke down, and after how long, ms, doubled each time. */
const ATTEMPTS = 3
const BACKOFF_MS = 1_000
/** How long BullMQ's stream of events of a queue outlives the last experiment that used it, s. */
const EVENTS_S = 24 * 3_600

/** The jobs of one experiment in Redis: a flow, whose parent is the experiment and whose children are its runs. */
export class ExperimentFlow {
  /** Of the parent. */
  readonly id: string
  readonly runs: RunsQueue
  readonly #redis: Redis
  readonly #card: ExperimentCard
  readonly #priority: number
  readonly #experiments: ExperimentQueue
  readonly #producer: FlowProducer
  #isBegun = false

  /** @param priority from 0 to `PRIORITY_MAX`. @param redis is not closed with the flow. */
  constructor(redis: Redis, card: ExperimentCard, priority: number) {
    this.id = experimentJobId(card.experiment, card.code.id)
    this.runs = openRuns(redis, card.code.id)
    this.#redis = redis
    this.#card = card
    this.#priority = priority
    this.#experiments = openExperiments(redis)
    this.#producer = new FlowProducer({ connection: redis, prefix: PREFIX })
    this.#producer.on('error', () => undefined)
  }

  /** Queues runs. One that is queued already, by an orchestrator before this one, stays as it is. */
  async add(orders: readonly RunOrder[]): Promise<void> {
    await this.#begin()
    const children = orders.map((order) => ({
      name: this.#card.title,
      data: order,
      opts: this.#options(order),
    }))
    const { id } = this
    if (await this.#experiments.getJob(id)) {
      const parent = { id, queue: `${PREFIX}:${EXPERIMENTS}` }
      await this.runs.addBulk(children.map((child) => ({ ...child, opts: { ...child.opts, parent } })))
      return
    }
    const queueName = runsQueue(this.#card.code.id)
    await this.#producer.add({
      name: this.#card.title,
      queueName: EXPERIMENTS,
      prefix: PREFIX,
      data: this.#card,
      opts: { jobId: id },
      children: children.map((child) => ({ ...child, queueName, prefix: PREFIX })),
    })
  }

  state(run: string): Promise<JobState | 'unknown'> {
    return this.runs.getJobState(runJobId(this.id, run))
  }

  /** Why a run has failed that is not tried again. */
  async failure(run: string): Promise<string> {
    const job = await this.runs.getJob(runJobId(this.id, run))
    const reason = job?.failedReason ?? 'it failed in the queue'
    // BullMQ's words for a run whose lock ran out once too often.
    return reason.includes('stalled') ? `its workers went away under it (${reason})` : reason
  }

  /** Takes a run out of the queue, unless a worker holds it. */
  async take(run: string): Promise<boolean> {
    return (await this.runs.remove(runJobId(this.id, run))) === 1
  }

  /** Takes all of it out of Redis. Of the queue of this code its events stay longest, and those not for good. */
  async remove(): Promise<Removal> {
    await this.#redis.expire(this.runs.toKey('events'), EVENTS_S)
    return removeExperiment(this.#redis, this.#experiments, this.id)
  }

  async close(): Promise<void> {
    await Promise.all([this.runs.close(), this.#experiments.close(), this.#producer.close()])
  }

  /** What an earlier session has queued by other code is of no use; what it has cancelled is wanted again. */
  async #begin(): Promise<void> {
    if (this.#isBegun) return
    const earlier = await jobsOfExperiment(this.#experiments, this.#card.experiment)
    const other = earlier.filter((id) => id !== this.id)
    await Promise.all(other.map((id) => removeExperiment(this.#redis, this.#experiments, id)))
    await this.#redis.del(cancelledKey(this.id))
    this.#isBegun = true
  }

  #options({ job }: RunOrder) {
    return {
      jobId: runJobId(this.id, job.id),
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: BACKOFF_MS },
      // BullMQ serves the lowest number first.
      priority: PRIORITY_MAX + 1 - this.#priority,
      ignoreDependencyOnFailure: true,
    }
  }
}
