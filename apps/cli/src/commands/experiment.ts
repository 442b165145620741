import { availableParallelism } from 'node:os'
import { type Manifest, type MetricSpec } from '@kvasir/contracts'
import { compareResults, estimateWallMs, PRIORITY_MAX, type RunExecutor } from '@kvasir/experiment'
import { renderTable } from '@kvasir/report'
import { readManifest, readRunTable } from '@kvasir/results'
import type { Command } from 'commander'
import { BadInput, ExitCode } from '../bad-input.js'
import { movementsText, planText, resultsJson, resultsText } from '../experiment/experiment-text.js'
import { findExperiment, type FoundExperiment, shippedExperiments } from '../experiment/find-experiment.js'
import { type Computers, openExecutor } from '../experiment/open-executor.js'
import { probeTime } from '../experiment/probe-time.js'
import { redisOption } from '../experiment/redis-option.js'
import { allResults, findResults, newResultPath } from '../experiment/result-path.js'
import {
  reportAgain,
  resumeExperiment,
  runExperiment,
  type WrittenResults,
} from '../experiment/run-experiment.js'
import { addExperimentCancel, addExperimentWorker, wholeNumber } from './experiment-worker.js'

interface RawOptions {
  readonly small?: true
  readonly seeds?: string
  readonly workers?: string
  readonly redis?: string
  readonly priority?: string
  readonly out?: string
  readonly json?: true
}

const EXAMPLES = `
Examples:
  kvasir experiment list                                what is shipped, and what has been run here
  kvasir experiment plan coordination                   its runs, and about how long they take
  kvasir experiment run coordination --small            a quick version of it
  kvasir experiment run my.yaml --workers 8             all of it; results/NAME/STAMP/report.html has the answer
  kvasir experiment resume coordination                 goes on with the latest results, wherever they were stopped
  kvasir experiment run my.yaml --redis redis://queue:6379   on every machine that has a kvasir experiment worker
  kvasir experiment compare results/a/1 results/a/2     what has moved beyond noise`

/** Questions in YAML, answered by many simulations; see infra/experiments. */
export function addExperimentCommand(program: Command): void {
  const experiment = program
    .command('experiment')
    .summary('answer a question by many simulations')
    .description(
      'Runs an experiment: a base scenario, factors that are varied, seeds, metrics and comparisons, written down in YAML\n(infra/experiments/README.md). The answer comes with 95 % intervals, tables and plots.',
    )
    .addHelpText('after', EXAMPLES)
  addValidate(experiment)
  addPlan(experiment)
  addRun(experiment)
  addResume(experiment)
  addReport(experiment)
  addCompare(experiment)
  addList(experiment)
  addExperimentWorker(experiment)
  addExperimentCancel(experiment)
}

function addValidate(experiment: Command): void {
  withSpecOptions(experiment.command('validate <experiment>').summary('whether a specification is right'))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir experiment validate my.yaml\n  kvasir experiment validate coordination --small',
    )
    .action((name: string, raw: RawOptions) => {
      const { plan } = found(name, raw)
      const facts = {
        experiment: plan.spec.name,
        combinations: plan.cells.length,
        seeds: plan.seeds,
        runs: plan.runs.length,
      }
      print(
        raw.json
          ? JSON.stringify(facts, undefined, 2)
          : `${facts.experiment}: ${facts.combinations} combinations × ${facts.seeds.length} seeds, ${facts.runs} runs; all scenarios are valid`,
      )
    })
}

function addPlan(experiment: Command): void {
  withSpecOptions(experiment.command('plan <experiment>').summary('the runs, and about how long they take'))
    .option('--workers <n>', 'runs at a time (default: cores)')
    .option('--json', 'print JSON, with every run')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir experiment plan coordination\n  kvasir experiment plan my.yaml --seeds 1..20 --workers 16',
    )
    .action(async (name: string, raw: RawOptions) => {
      const workers = workerCount(raw.workers)
      const { plan, folder } = found(name, raw)
      const wallMs = estimateWallMs(plan.runs, await probeTime(plan, folder)) ?? 0
      const runs = plan.runs.map(({ id, cell, seed, repetition }) => ({
        id,
        levels: plan.cells[cell].levels,
        seed,
        repetition,
      }))
      print(
        raw.json
          ? JSON.stringify(
              { experiment: plan.spec.name, factors: plan.factors, runs, wallMs, workers },
              undefined,
              2,
            )
          : planText(plan, { wallMs, workers }),
      )
    })
}

function addRun(experiment: Command): void {
  withComputers(
    withSpecOptions(experiment.command('run <experiment>').summary('run it, and write tables and a report')),
  )
    .option('--out <dir>', 'folder of the results (default: results/NAME/STAMP)')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nCtrl-C waits for the runs under way and writes what there is; a second one ends at once, and resume goes on.\n\nExamples:\n  kvasir experiment run coordination\n  kvasir experiment run coordination --small --out small-results\n  kvasir experiment run my.yaml --seeds 1..20 --workers 16\n  kvasir experiment run my.yaml --redis redis://queue.example:6379 --priority 5',
    )
    .action(async (name: string, raw: RawOptions) => {
      const computers = computersOption(raw)
      const experiment = found(name, raw)
      const path = raw.out ?? newResultPath(experiment.spec.name, new Date())
      const written = await withExecutor(computers, path, (executor) =>
        runExperiment(experiment, path, executor),
      )
      finish(written, raw)
    })
}

function addResume(experiment: Command): void {
  withComputers(experiment.command('resume <results>').summary('go on where it was stopped or killed'))
    .description(
      'Goes on with results, by their folder or by the name of an experiment (its latest). What has ended is not run again; what failed is.',
    )
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir experiment resume coordination\n  kvasir experiment resume results/coordination/2026-11-21T16-33-07Z',
    )
    .action(async (name: string, raw: RawOptions) => {
      const path = findResults(name)
      const written = await withExecutor(computersOption(raw), path, (executor) =>
        resumeExperiment(path, executor),
      )
      finish(written, raw)
    })
}

function addReport(experiment: Command): void {
  experiment
    .command('report <results>')
    .summary('write the report of results again')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir experiment report coordination\n  kvasir experiment report results/coordination/2026-11-21T16-33-07Z --json',
    )
    .action((name: string, raw: RawOptions) => {
      finish(reportAgain(findResults(name)), raw)
    })
}

function addCompare(experiment: Command): void {
  experiment
    .command('compare <before> <after>')
    .summary('two results side by side: what moved beyond noise')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir experiment compare results/coordination/A results/coordination/B',
    )
    .action(async (before: string, after: string, raw: RawOptions) => {
      const paths = [findResults(before), findResults(after)] as const
      const manifests = [readManifest(paths[0]), readManifest(paths[1])] as const
      const factors = commonFactors(manifests)
      const metrics = commonMetrics(manifests)
      const [old, now] = await Promise.all(paths.map((path) => readRunTable(path, factors)))
      const movements = compareResults(old, now, metrics)
      print(
        raw.json
          ? JSON.stringify({ before: paths[0], after: paths[1], movements }, undefined, 2)
          : movementsText(factors, movements, paths),
      )
    })
}

function addList(experiment: Command): void {
  experiment
    .command('list')
    .summary('experiments that are shipped, and results below results/')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  kvasir experiment list\n  kvasir experiment list --json')
    .action(({ json }: RawOptions) => {
      const shipped = shippedExperiments().map((name) => {
        const { spec, plan } = findExperiment(name, { small: false, seeds: undefined })
        return { name, question: spec.question, runs: plan.runs.length }
      })
      const results = allResults().map((path) => ({ path, manifest: readManifest(path) }))
      if (json) return print(JSON.stringify({ shipped, results }, undefined, 2))
      const lines = [
        renderTable({
          header: ['experiment', 'runs', 'question'],
          align: ['left', 'right', 'left'],
          rows: shipped.map(({ name, runs, question }) => [name, String(runs), question]),
        }),
      ]
      if (results.length > 0) {
        const rows = results.map(({ path, manifest }) => [
          path,
          manifest.status,
          `${manifest.runs.ended}/${manifest.runs.planned}`,
          (manifest.sessions[0]?.commit ?? '').slice(0, 12),
        ])
        lines.push('', renderTable({ header: ['results', 'status', 'runs', 'commit'], rows }))
      }
      print(lines.join('\n'))
    })
}

// ── options ───────────────────────────────────────────────────────────────────────────────────────

function withSpecOptions(command: Command): Command {
  return command
    .description('EXPERIMENT is a YAML file, or the name of a shipped experiment (kvasir experiment list).')
    .option('--small', 'the quick version: what the section `small` says, else two seeds')
    .option('--seeds <list>', 'seeds in place of the specification’s, such as 1..20 or 1,2,5')
}

function found(name: string, { small, seeds }: RawOptions): FoundExperiment {
  return findExperiment(name, {
    small: small ?? false,
    seeds: seeds === undefined ? undefined : seedsOption(seeds),
  })
}

/** `1..20` or `1,2,5`, or both. @throws {BadInput} */
export function seedsOption(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const range = /^(\d+)(?:\.\.(\d+))?$/.exec(part)
    const first = Number(range?.[1])
    const last = Number(range?.[2] ?? range?.[1])
    if (range === null || last < first)
      throw new BadInput(`--seeds is ${text}; it must be whole numbers with commas, or a range such as 1..20`)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

function withComputers(command: Command): Command {
  return command
    .option('--workers <n>', 'runs at a time, each in a process of its own (default: cores)')
    .option('--redis <url>', 'have them computed by workers that listen there (kvasir experiment worker)')
    .option('--priority <n>', `in that queue, 0 to ${PRIORITY_MAX}; higher runs first (default: 0)`)
}

/** @throws {BadInput} */
function computersOption({ redis, workers, priority }: RawOptions): Computers {
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
async function withExecutor<T>(
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

function workerCount(text: string | undefined): number {
  return wholeNumber('--workers', text ?? String(availableParallelism()), { from: 1, to: WORKERS_MAX })
}

// ── results ───────────────────────────────────────────────────────────────────────────────────────

/** Results to standard output, the rest beside it; fails when runs are missing. */
function finish({ path, manifest, report }: WrittenResults, { json }: RawOptions): void {
  const isTerminal = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
  print(json ? resultsJson(path, manifest, report) : resultsText(report, { ansi: isTerminal }))
  process.stderr.write(`results in ${path}\n`)
  const isWhole = manifest.status === 'complete' && manifest.runs.failed === 0
  if (!isWhole) process.stderr.write(`not complete: kvasir experiment resume ${path} goes on\n`)
  process.exitCode = isWhole ? ExitCode.Ok : ExitCode.Failed
}

type Manifests = readonly [Manifest, Manifest]

function commonFactors([before, after]: Manifests): Manifest['factors'] {
  const names = ({ factors }: Manifest) => factors.map(({ name }) => name).join(', ')
  if (names(before) === names(after)) return after.factors
  throw new BadInput(
    `the results vary different things (${names(before) || 'nothing'}; ${names(after) || 'nothing'}); both must have the same factors`,
  )
}

function commonMetrics([before, after]: Manifests): readonly (Pick<MetricSpec, 'path' | 'better'> & {
  name: string
})[] {
  const paths = new Set(before.metrics.map(({ path }) => path))
  const common = after.metrics.filter(({ path }) => paths.has(path))
  if (common.length > 0) return common
  throw new BadInput('the results have no metric in common; both must measure the same')
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
