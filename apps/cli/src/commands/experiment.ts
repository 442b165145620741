import { type Manifest, type MetricSpec } from '@kvasir/contracts'
import { compareResults, endsOf, estimateWallMs, type SearchSpace } from '@kvasir/experiment'
import { renderTable } from '@kvasir/report'
import { readManifest, readRunTable } from '@kvasir/results'
import type { Command } from 'commander'
import { BadInput, ExitCode } from '../bad-input.js'
import { movementsText, planText, searchPlanText } from '../experiment/experiment-text.js'
import { findExperiment, shippedExperiments } from '../experiment/find-experiment.js'
import { probeTime } from '../experiment/probe-time.js'
import { allResults, findResults, newResultPath } from '../experiment/result-path.js'
import { reportAgain, resumeExperiment, runExperiment } from '../experiment/run-experiment.js'
import { type LiveOptions, liveOptions } from '../live-twin/live-options.js'
import { addExperimentOptimise } from './experiment-optimise.js'
import {
  computersOption,
  finish,
  found,
  print,
  type RawOptions,
  withComputers,
  withExecutor,
  withSpecOptions,
  workerCount,
} from './experiment-options.js'
import { addExperimentCancel, addExperimentWorker } from './experiment-worker.js'

const EXAMPLES = `
Examples:
  kvasir experiment list                                what is shipped, and what has been run here
  kvasir experiment plan coordination                   its runs, and about how long they take
  kvasir experiment run coordination --small            a quick version of it
  kvasir experiment run my.yaml --workers 8             all of it; results/NAME/STAMP/report.html has the answer
  kvasir experiment optimise smallest-cluster           looks for a setting: how few GPUs do, how much load, which weights
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
  addExperimentOptimise(experiment)
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
      const { plan, search } = found(name, raw)
      const facts = {
        experiment: plan.spec.name,
        combinations: plan.cells.length,
        seeds: plan.seeds,
        runs: search?.runsMax ?? plan.runs.length,
        ...(search === undefined ? {} : { settings: search.count }),
      }
      print(raw.json ? JSON.stringify(facts, undefined, 2) : validText(facts))
    })
}

function validText(facts: {
  readonly experiment: string
  readonly combinations: number
  readonly seeds: readonly number[]
  readonly runs: number
  readonly settings?: number
}): string {
  const { experiment, combinations, seeds, runs, settings } = facts
  const each = `${experiment}: ${combinations} combinations × ${seeds.length} seeds`
  return settings === undefined
    ? `${each}, ${runs} runs; all scenarios are valid`
    : `${each}, a search of up to ${runs} runs among ${settings} settings`
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
      const { plan, folder, search } = found(name, raw)
      if (search !== undefined) return planSearched(search, folder, { workers, json: raw.json ?? false })
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

/** Which runs a search takes is not known before: how many there are at most is. */
async function planSearched(
  search: SearchSpace,
  folder: string,
  { workers, json }: { readonly workers: number; readonly json: boolean },
): Promise<void> {
  const ends = endsOf(search)
  const timed = await probeTime(ends, folder)
  const meanMs = (estimateWallMs(ends.runs, timed) ?? 0) / ends.runs.length
  const facts = { runsMax: search.runsMax, wallMs: meanMs * search.runsMax, workers }
  const { spec, axes, count } = search
  print(
    json
      ? JSON.stringify(
          { experiment: spec.name, search: spec.search, settings: count, ...facts },
          undefined,
          2,
        )
      : searchPlanText({ spec, axes, count, cells: search.plan.cells.length, ...facts }),
  )
}

function addRun(experiment: Command): void {
  withComputers(
    withSpecOptions(experiment.command('run <experiment>').summary('run it, and write tables and a report')),
  )
    .option('--out <dir>', 'folder of the results (default: results/NAME/STAMP)')
    .option('--live', 'play it against a live cluster in real time, beside its simulation')
    .option('--speed <factor>', 'with --live: of the modelled GPUs; below 1 is slow motion (default: 1)')
    .option('--gateway <url>', 'with --live: of a cluster that runs, in place of a private one')
    .option('--coordinator <url>', 'and of one of its coordinators')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nCtrl-C waits for the runs under way and writes what there is; a second one ends at once, and resume goes on.\n\nExamples:\n  kvasir experiment run coordination\n  kvasir experiment run coordination --small --out small-results\n  kvasir experiment run my.yaml --seeds 1..20 --workers 16\n  kvasir experiment run my.yaml --redis redis://queue.example:6379 --priority 5\n  kvasir experiment run live-twin --live\n  kvasir experiment run live-twin --small --live --speed 0.25',
    )
    .action(async (name: string, raw: RawOptions) => {
      const live = liveOptions(raw)
      if (live !== undefined) return runLive(name, raw, live)
      const computers = computersOption(raw)
      const experiment = found(name, raw)
      const path = raw.out ?? newResultPath(experiment.spec.name, new Date())
      const written = await withExecutor(computers, path, (executor) =>
        runExperiment(experiment, path, executor),
      )
      finish(written, raw)
    })
}

async function runLive(name: string, raw: RawOptions, live: LiveOptions): Promise<void> {
  const stray = (['workers', 'redis', 'priority'] as const).find((option) => raw[option] !== undefined)
  if (stray !== undefined)
    throw new BadInput(`--${stray} is ${raw[stray]}; with --live runs are played here, one after the other`)
  const experiment = found(name, raw)
  const path = raw.out ?? newResultPath(experiment.spec.name, new Date())
  // It brings Redis and all that; other commands start without.
  const { runLiveExperiment } = await import('../live-twin/live-experiment.js')
  const { twinJson, twinText } = await import('../live-twin/twin-text.js')
  const report = await runLiveExperiment(experiment, path, live)
  print(raw.json ? twinJson(report, { requests: false }) : twinText(report))
  process.stderr.write(`results in ${path}\n`)
  const isSame = report.runs.every(({ verdict }) => verdict.kind !== 'ended_otherwise')
  process.exitCode = isSame ? ExitCode.Ok : ExitCode.Failed
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
        const { spec, plan, search } = findExperiment(name, { small: false, seeds: undefined })
        return { name, question: spec.question, runs: search?.runsMax ?? plan.runs.length }
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

// ── results ───────────────────────────────────────────────────────────────────────────────────────

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
