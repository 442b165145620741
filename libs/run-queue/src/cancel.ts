import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { CANCELLED_CHANNEL, cancelledKey, outcomeKey } from './names.js'
import type { ExperimentCard } from './orders.js'
import { type ExperimentQueue, openExperiments } from './run-queues.js'

/** How long runs that are under way are waited for: longer than the lock of a worker that was killed. */
const REMOVE_MS = 15_000
const PAUSE_MS = 200
/** How long workers drop what is still handed to them, s. */
const CANCELLED_S = 24 * 3_600

/** `lingering`: a run is still held by a worker that does not hear; what it comes to is dropped. */
export type Removal = 'removed' | 'lingering'

/**
 * Takes an experiment's jobs out of Redis. Waiting runs go first; those under way are told to stop, and waited for.
 * @param experimentJob of `experimentJobId`.
 */
export async function removeExperiment(
  redis: Redis,
  experiments: ExperimentQueue,
  experimentJob: string,
): Promise<Removal> {
  const parent = await experiments.getJob(experimentJob)
  if (!parent) return 'removed'
  await parent.removeUnprocessedChildren()
  await dropOutcomes(redis, parent)
  if (await isGone(parent)) return 'removed'
  await redis.set(cancelledKey(experimentJob), '1', 'EX', CANCELLED_S)
  await redis.publish(CANCELLED_CHANNEL, experimentJob)
  for (const until = performance.now() + REMOVE_MS; performance.now() < until; await sleep(PAUSE_MS)) {
    if (!(await isGone(parent))) continue
    await redis.del(cancelledKey(experimentJob))
    return 'removed'
  }
  return 'lingering'
}

/**
 * Cancels an experiment of which no orchestrator is left.
 * @param experiment its id, whatever the code. @returns its jobs that were there, by how that went.
 */
export async function cancelExperiment(redis: Redis, experiment: string): Promise<readonly Removal[]> {
  const experiments = openExperiments(redis)
  try {
    const ids = await jobsOfExperiment(experiments, experiment)
    return await Promise.all(ids.map((id) => removeExperiment(redis, experiments, id)))
  } finally {
    await experiments.close()
  }
}

/** Ids of its jobs: one for each code that it was begun with. */
export async function jobsOfExperiment(
  experiments: ExperimentQueue,
  experiment: string,
): Promise<readonly string[]> {
  const jobs = await experiments.getJobs(['waiting-children', 'waiting'])
  return jobs.filter(({ data }) => data.experiment === experiment).flatMap(({ id }) => id ?? [])
}

/** Removes an experiment with its runs, unless a worker holds one. */
async function isGone(parent: Job<ExperimentCard>): Promise<boolean> {
  try {
    await parent.remove({ removeChildren: true })
    return true
  } catch {
    return false
  }
}

/** Outcomes that nobody collects; keys of runs' jobs end in their ids. */
async function dropOutcomes(redis: Redis, parent: Job<ExperimentCard>): Promise<void> {
  const done = Object.keys(await parent.getChildrenValues())
  const keys = done.map((key) => outcomeKey(key.slice(key.lastIndexOf(':') + 1)))
  if (keys.length > 0) await redis.del(...keys)
}
