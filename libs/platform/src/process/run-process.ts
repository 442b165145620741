import { ProfileError, readProfile, type Schema } from './profile.js'

/** A part of the cluster that runs, in a process of its own or together with others. */
export interface Running {
  /** Where it answers HTTP. */
  readonly url: string
  /** Finishes what can be finished, then stops. */
  stop(): Promise<void>
}

export interface ProcessOptions<T> {
  readonly name: string
  readonly schema: Schema<T>
  start(profile: T): Promise<Running>
}

/** Longest time a process takes to stop, ms: after that it is ended all the same. */
const STOP_WITHIN_MS = 30_000

/**
 * Runs a process to its end: reads the profile, starts, and stops at SIGTERM, SIGINT or the end of its supervisor with exit code 0. A
 * profile that is wrong ends it with 2 and a sentence for each mistake, anything else with 1. A second signal ends it at once.
 */
export async function runProcess<T>({ name, schema, start }: ProcessOptions<T>): Promise<void> {
  try {
    const running = await start(readProfile(schema, process.argv.slice(2), process.env))
    await told()
    await withinTime(running.stop())
    process.exit(0)
  } catch (error) {
    const problems = error instanceof ProfileError ? error.problems : [messageOf(error)]
    for (const problem of problems) process.stderr.write(`${name}: ${problem}\n`)
    process.exit(error instanceof ProfileError ? 2 : 1)
  }
}

function told(): Promise<void> {
  return new Promise((resolve) => {
    // A supervisor holds this channel: when it is gone, however it went, nobody else would end us.
    if (process.connected) process.once('disconnect', resolve)
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        process.once(signal, () => process.exit(1))
        resolve()
      })
  })
}

function withinTime(stopped: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`not stopped within ${STOP_WITHIN_MS} ms`)), STOP_WITHIN_MS).unref()
    stopped.then(resolve, reject)
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
