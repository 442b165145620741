import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Removal } from '@kvasir/run-queue'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { checkCode, codeIdentity } from '../experiment/code-identity.js'
import { redisOption } from '../experiment/redis-option.js'
import { findResults } from '../experiment/result-path.js'

interface WorkerOptions {
  readonly redis: string
  readonly slots?: string
  readonly folder?: string
  readonly grace: string
  readonly code?: string
}

const SLOTS_MAX = 1_024
const GRACE_S_MAX = 24 * 3_600

/** `kvasir experiment worker`: computes runs of experiments that others conduct. */
export function addExperimentWorker(experiment: Command): void {
  experiment
    .command('worker')
    .summary('compute runs from a queue in Redis, until stopped')
    .description(
      'Takes runs of `kvasir experiment run --redis URL` from the queue and computes them, each in a process of its own. Start it on as many machines as there are: from the same code, and with the files that the scenarios read in the same folders.',
    )
    .requiredOption('--redis <url>', 'the Redis of the queue: redis://HOST:PORT, or unix:/PATH')
    .option('--slots <n>', 'runs at a time (default: cores)')
    .option(
      '--folder <dir>',
      'where files of scenarios are (default: the folder of the scenario, as where it was begun)',
    )
    .option('--grace <s>', 'how long runs are waited for after SIGTERM before others get them', '60')
    .option('--code <id>', 'take runs of other code, whose results may differ (the message says its id)')
    .addHelpText(
      'after',
      '\nSIGTERM or Ctrl-C: takes no further run, and ends with those under way; once more gives them back at once.\nKVASIR_CODE names the code where its sources are not shipped; it must be the same for all.\n\nExamples:\n  kvasir experiment worker --redis redis://queue.example:6379\n  kvasir experiment worker --redis unix:/run/redis.sock --slots 4 --folder /data/traces',
    )
    .action(async (raw: WorkerOptions) => {
      const { workQueue } = await import('../experiment/work-queue.js')
      const own = codeIdentity()
      await workQueue({
        address: redisOption(raw.redis),
        slots: wholeNumber('--slots', raw.slots ?? String(availableParallelism()), {
          from: 1,
          to: SLOTS_MAX,
        }),
        own,
        code: raw.code === undefined ? checkCode('KVASIR_CODE', own.id) : checkCode('--code', raw.code),
        folder: raw.folder === undefined ? undefined : resolve(raw.folder),
        graceMs: wholeNumber('--grace', raw.grace, { from: 0, to: GRACE_S_MAX }) * 1_000,
        say: (line) => process.stderr.write(`${line}\n`),
      })
    })
}

/** `kvasir experiment cancel`: takes runs out of the queue when their orchestrator is gone. */
export function addExperimentCancel(experiment: Command): void {
  experiment
    .command('cancel <results>')
    .summary('take what is left of an experiment out of the queue')
    .description(
      'For experiments whose command was killed and is not to be resumed: waiting runs are removed, those under way are told to stop. Results that were written stay.',
    )
    .requiredOption('--redis <url>', 'the Redis of the queue: redis://HOST:PORT, or unix:/PATH')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir experiment cancel coordination --redis redis://127.0.0.1:6379\n  kvasir experiment cancel results/coordination/2026-11-21T16-33-07Z --redis redis://127.0.0.1:6379',
    )
    .action(async (name: string, raw: Pick<WorkerOptions, 'redis'>) => {
      const address = redisOption(raw.redis)
      const path = findResults(name)
      const { cancelResults } = await import('../experiment/open-queue.js')
      process.stdout.write(`${cancelText(await cancelResults(address, path))}\n`)
    })
}

function cancelText(removals: readonly Removal[]): string {
  if (removals.length === 0) return 'nothing of it is in the queue'
  return removals.includes('lingering')
    ? 'cancelled; a worker still holds a run, and what that comes to is dropped'
    : 'cancelled; nothing of it is left in the queue'
}

/** @throws {BadInput} */
export function wholeNumber(
  name: string,
  text: string,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= from && value <= to) return value
  throw new BadInput(`${name} is ${text}; it must be a whole number from ${from} to ${to}`)
}
