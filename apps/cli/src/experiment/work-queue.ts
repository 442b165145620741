import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { RunAnswer } from '@kvasir/experiment'
import {
  addressName,
  type CodeIdentity,
  type QueueAddress,
  type RunOrder,
  RunWorker,
  type WorkAnswer,
} from '@kvasir/run-queue'
import { ClusterTrouble } from '../live/cluster-trouble.js'
import { spanText } from './experiment-progress.js'
import { fileDigest } from './file-digest.js'
import { LocalExecutor } from './local-executor.js'
import { orClusterTrouble } from './open-queue.js'

export interface WorkOptions {
  readonly address: QueueAddress
  readonly slots: number
  /** What this process runs. */
  readonly own: CodeIdentity
  /** Id of the code whose runs it takes. */
  readonly code: string
  /** Where relative paths of scenarios start; undefined: where they start for the orchestrator. */
  readonly folder: string | undefined
  /** How long runs under way are waited for at the end before they are given back. */
  readonly graceMs: number
  say(line: string): void
}

/** Between looks for experiments by other code, ms. */
const STRANGERS_MS = 10_000

/**
 * Computes runs from the queue in child processes, as they are computed without one, until SIGTERM or Ctrl-C.
 * @throws {ClusterTrouble} when no Redis answers, or when this machine lacks a file that a run reads.
 */
export async function workQueue(options: WorkOptions): Promise<void> {
  const { address, slots, own, code, graceMs, say } = options
  const local = new LocalExecutor(slots)
  const name = `${hostname()}.${process.pid}`
  const work = (order: RunOrder, signal: AbortSignal) => workOn(order, { signal, local, options })
  const worker = await orClusterTrouble(RunWorker.start({ address, code, slots, name, work, say }))
  say(`worker ${name}: ${slots} runs at a time, of ${own.name} (code ${code}), from ${addressName(address)}`)
  const watch = watchStrangers(worker, options)
  try {
    const lack = await Promise.race([worker.unable, untilStopped(worker, { graceMs, say })])
    if (lack !== undefined) throw new ClusterTrouble(lack)
    say(`worker ${name}: stopped`)
  } finally {
    clearInterval(watch)
    local.close()
  }
}

interface Bench {
  readonly signal: AbortSignal
  readonly local: LocalExecutor
  readonly options: WorkOptions
}

async function workOn(order: RunOrder, { signal, local, options }: Bench): Promise<WorkAnswer> {
  const { title, inputs } = order
  const job = { ...order.job, folder: options.folder ?? order.job.folder }
  const lack = lackOf(inputs, job.folder)
  if (lack !== undefined) return { kind: 'unable', reason: `${title}: run ${job.id} ${lack}` }
  const startMs = performance.now()
  options.say(`${title}: run ${job.id} begins`)
  const answer = await new Promise<RunAnswer>((tell) => {
    local.execute(job, tell)
    signal.addEventListener('abort', () => local.cancel(job.id), { once: true })
    if (signal.aborted) local.cancel(job.id)
  })
  const span = spanText(performance.now() - startMs)
  options.say(`${title}: run ${job.id} ${endText(answer, signal)} after ${span}`)
  return answer.kind === 'returned' ? { kind: 'lost', reason: 'it was not begun' } : answer
}

function endText(answer: RunAnswer, { aborted }: AbortSignal): string {
  if (answer.kind === 'ended') return 'ended'
  if (aborted || answer.kind === 'returned') return 'was given up'
  return `${answer.kind === 'lost' ? 'was lost' : 'failed'} (${answer.reason})`
}

/** What this machine lacks of the files that a run reads; undefined: nothing. */
function lackOf(inputs: RunOrder['inputs'], folder: string): string | undefined {
  for (const { file, sha256 } of inputs) {
    const path = resolve(folder, file)
    const remedy = `put the orchestrator's there, or say with --folder where ${file} is found`
    if (!existsSync(path)) return `reads ${path}, which is not on ${hostname()}; ${remedy}`
    if (fileDigest(path) !== sha256) return `reads ${path}, which is another file on ${hostname()}; ${remedy}`
  }
  return undefined
}

/** Says once of each experiment why this worker takes nothing of it. */
function watchStrangers(worker: RunWorker, { own, code, say }: WorkOptions): NodeJS.Timeout {
  const told = new Set<string>()
  const look = async () => {
    for (const { experiment, title, code: other } of await worker.strangers()) {
      if (told.has(experiment)) continue
      told.add(experiment)
      say(
        `${title} is by ${other.name} (code ${other.id}), and this worker is ${own.name} (code ${code}): it takes none of its runs, for a result of other code is no result. Start it from that commit, or with --code ${other.id} to take them all the same`,
      )
    }
  }
  // While Redis is away there is nothing to see; the worker itself says that it is.
  const quietly = () => void look().catch(() => undefined)
  quietly()
  return setInterval(quietly, STRANGERS_MS)
}

/** The first signal lets runs end, for a while; a second one gives them back at once. */
function untilStopped(
  worker: RunWorker,
  { graceMs, say }: Pick<WorkOptions, 'graceMs' | 'say'>,
): Promise<undefined> {
  return new Promise((tell, fail) => {
    let grace: NodeJS.Timeout | undefined
    const ended = () => {
      clearTimeout(grace)
      process.off('SIGINT', asked)
      process.off('SIGTERM', asked)
      tell(undefined)
    }
    const giveBack = () => {
      clearTimeout(grace)
      say(`giving back ${worker.underWay} runs`)
      worker.giveBack().catch(fail)
    }
    const asked = () => {
      if (grace !== undefined) return giveBack()
      say(
        `stopping: ${worker.underWay} runs under way are waited for, at most ${spanText(graceMs)}; once more gives them back at once`,
      )
      grace = setTimeout(giveBack, graceMs)
      worker.stop().then(ended, fail)
    }
    process.on('SIGINT', asked)
    process.on('SIGTERM', asked)
  })
}
