import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { EXPERIMENTS, PREFIX, runsQueue } from './names.js'
import type { ExperimentCard, RunOrder, RunTicket } from './orders.js'

export type ExperimentQueue = Queue<ExperimentCard, void, string>
export type RunsQueue = Queue<RunOrder, RunTicket, string>

/** @param redis is not closed with the queue. */
export function openExperiments(redis: Redis): ExperimentQueue {
  return quiet(new Queue(EXPERIMENTS, { connection: redis, prefix: PREFIX, ...onlyJobs }))
}

/** @param redis is not closed with the queue. */
export function openRuns(redis: Redis, code: string): RunsQueue {
  return quiet(new Queue(runsQueue(code), { connection: redis, prefix: PREFIX, ...onlyJobs }))
}

/** To open a queue writes nothing: whoever only looks leaves no trace. */
const onlyJobs = { skipMetasUpdate: true }

/** Commands report their own failures; without a listener the process would end. */
function quiet<Q extends Queue>(queue: Q): Q {
  queue.on('error', () => undefined)
  return queue
}

/** Experiments under way, whoever conducts them. */
export async function experimentsUnderWay(queue: ExperimentQueue): Promise<readonly ExperimentCard[]> {
  const jobs = await queue.getJobs(['waiting-children', 'waiting'])
  return jobs.map(({ data }) => data)
}

/** The queues there are at present, for boards: that of experiments, and one of runs for each code. */
export class RunQueues {
  readonly #redis: Redis
  readonly #experiments: ExperimentQueue
  readonly #runs = new Map<string, RunsQueue>()

  /** @param redis is not closed with it. */
  constructor(redis: Redis) {
    this.#redis = redis
    this.#experiments = openExperiments(redis)
  }

  async list(): Promise<readonly (ExperimentQueue | RunsQueue)[]> {
    const codes = new Set((await experimentsUnderWay(this.#experiments)).map(({ code }) => code.id))
    for (const code of codes) if (!this.#runs.has(code)) this.#runs.set(code, openRuns(this.#redis, code))
    return [this.#experiments, ...[...codes].sort().flatMap((code) => this.#runs.get(code) ?? [])]
  }

  async close(): Promise<void> {
    await Promise.all([this.#experiments, ...this.#runs.values()].map((queue) => queue.close()))
  }
}
