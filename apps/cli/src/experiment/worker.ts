import type { RunAnswer, RunJob } from '@kvasir/experiment'
import { BadInput } from '../bad-input.js'
import { executeRun, RunCache } from './execute-run.js'
import { processorMs, usageNow, type WorkerReport } from './worker-usage.js'

/** The process of one worker: a job comes, its answer goes, one at a time. */
const cache = new RunCache()
const startMs = processorMs()

// Ctrl-C reaches every process of the terminal; when to stop is the orchestrator's to say.
process.on('SIGINT', () => {})
// The orchestrator is gone: what is computed here nobody would write down.
process.on('disconnect', () => process.exit(0))
process.on('message', (job: RunJob) => {
  answerOf(job).then(
    (answer) => {
      const report: WorkerReport = { answer, usage: usageNow(startMs) }
      process.send?.(report)
    },
    (error: unknown) => {
      // A bug or a lack of memory: the orchestrator hears that this process ended, and tries again with another.
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
      process.exit(1)
    },
  )
})

async function answerOf(job: RunJob): Promise<RunAnswer> {
  try {
    const { outcome } = await executeRun(job, cache)
    return { kind: 'ended', outcome }
  } catch (error) {
    if (error instanceof BadInput) return { kind: 'failed', reason: error.message }
    throw error
  }
}
