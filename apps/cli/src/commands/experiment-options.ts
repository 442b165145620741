import { availableParallelism } from 'node:os'
import { PRIORITY_MAX, type RunExecutor } from '@kvasir/experiment'
import type { Command } from 'commander'
import { BadInput, ExitCode } from '../bad-input.js'
import { resultsJson, resultsText } from '../experiment/experiment-text.js'
import { findExperiment, type FoundExperiment } from '../experiment/find-experiment.js'
import { type Computers, openExecutor } from '../experiment/open-executor.js'
import { redisOption } from '../experiment/redis-option.js'
import type { WrittenResults } from '../experiment/run-experiment.js'
import type { RawLiveOptions } from '../live-twin/live-options.js'
import { wholeNumber } from './experiment-worker.js'

/** What the commands of experiments have in common. */
export interface RawOptions extends RawLiveOptions {
  readonly small?: true
  readonly seeds?: string
  readonly workers?: string
  readonly redis?: string
  readonly priority?: string
  readonly goal?: string
  readonly out?: string
  readonly json?: true
}

export function withSpecOptions(command: Command): Command {
  return command
    .description('EXPERIMENT is a YAML file, or the name of a shipped experiment (kvasir experiment list).')
    .option('--small', 'the quick version: what the section `small` says, else two seeds')
    .option('--seeds <list>', 'seeds in place of the specification’s, such as 1..20 or 1,2,5')
}

export function found(name: string, { small, seeds, goal }: RawOptions): FoundExperiment {
  return findExperiment(name, {
    small: small ?? false,
    seeds: seeds === undefined ? undefined : seedsOption(seeds),
    ...(goal === undefined ? {} : { goal: goalOption(goal) }),
  })
}

/** @throws {BadInput} */
function goalOption(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new BadInput(`--goal is ${text}; it must be a number, such as 0.95`)
}

/** `1..20` or `1,2,5`, or both. @throws {BadInput} */
function seedsOption(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const range = /^(\d+)(?:\.\.(\d+))?$/.exec(part)
    const first = Number(range?.[1])
    const last = Number(range?.[2] ?? range?.[1])
    if (range === null || last < first)
      throw new BadInput(`--seeds is ${text}; it must be whole numbers with commas, or a range such as 1..20`)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

export function withComputers(command: Command): Command {
  return command
    .option('--workers <n>', 'runs at a time, each in a process of its own (default: cores)')
    .option('--redis <url>', 'have them computed by workers that listen there (kvasir experiment worker)')
    .option('--priority <n>', `in that queue, 0 to ${PRIORITY_MAX}; higher runs first (default: 0)`)
}

/** @throws {BadInput} */
export function computersOption({ redis, workers, priority }: RawOptions): Computers {
  if (redis === undefined) {
    if (priority !== undefined) throw new BadInput(`--priority is ${priority}; it goes with --redis only`)
    return { kind: 'here', workers: workerCount(workers) }
  }
  if (workers !== undefined)
    throw new BadInput(
      `--workers is ${workers}; with --redis it is the workers there that compute (kvasir experiment worker --slots ${workers})`,
    )
  const range = { from: 0, to: PRIORITY_MAX }
  return {
    kind: 'queue',
    address: redisOption(redis),
    priority: wholeNumber('--priority', priority ?? '0', range),
  }
}

/** Lets go of the executor also when the experiment does not begin. */
export async function withExecutor<T>(
  computers: Computers,
  path: string,
  use: (executor: RunExecutor) => Promise<T>,
): Promise<T> {
  const executor = await openExecutor(computers, path)
  try {
    return await use(executor)
  } finally {
    executor.close()
  }
}

const WORKERS_MAX = 1_024

export function workerCount(text: string | undefined): number {
  return wholeNumber('--workers', text ?? String(availableParallelism()), { from: 1, to: WORKERS_MAX })
}

/** Results to standard output, the rest beside it; fails when runs are missing. */
export function finish({ path, manifest, report }: WrittenResults, { json }: RawOptions): void {
  const isTerminal = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
  print(json ? resultsJson(path, manifest, report) : resultsText(report, { ansi: isTerminal }))
  process.stderr.write(`results in ${path}\n`)
  const isWhole = manifest.status === 'complete' && manifest.runs.failed === 0
  if (!isWhole) process.stderr.write(`not complete: kvasir experiment resume ${path} goes on\n`)
  process.exitCode = isWhole ? ExitCode.Ok : ExitCode.Failed
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
