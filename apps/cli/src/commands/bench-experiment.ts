import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planExperiment } from '@kvasir/experiment'
import { renderTable } from '@kvasir/report'
import { ResultStore } from '@kvasir/results'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { experimentBench, type ExperimentBenchRow } from '../bench/experiment-bench.js'
import { findExperiment, type FoundExperiment } from '../experiment/find-experiment.js'
import { wholeNumber } from './experiment-worker.js'

interface RawOptions {
  readonly workers: string
  readonly attempts: string
  readonly seeds: string
  readonly json?: true
}

/** Each takes 200 MB. */
const WORKERS_MAX = 256
const LOOP_MS = 700

export function addExperimentBench(bench: Command): void {
  bench
    .command('experiment')
    .summary('how a sweep scales over worker processes')
    .description(
      'Runs half a minute of the shipped experiment `coordination` at loads 0.7 and 1.0 (10 runs a seed) with each number of workers, in turns\nand after a warm-up, beside bare loops that say what the machine itself gives so many processes. Prints the share of linear, and\nwhere processor time goes: a run’s own thread, the compiler and the collector beside it, conducting, starting.',
    )
    .option('--workers <list>', 'numbers of workers, beside 1', '2')
    .option('--attempts <n>', 'times each is measured', '3')
    .option('--seeds <n>', 'seeds: more make a longer sweep', '2')
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir bench experiment\n  kvasir bench experiment --workers 2,4,8 --seeds 6',
    )
    .action(async ({ workers, attempts, seeds, json }: RawOptions) => {
      const counts = [...new Set([1, ...workers.split(',').map((text) => atLeastOne('--workers', text))])]
      const times = atLeastOne('--attempts', attempts)
      const experiment = findExperiment('coordination', { small: false, seeds: undefined })
      const plan = benchPlan(experiment, atLeastOne('--seeds', seeds))
      const scratch = mkdtempSync(join(tmpdir(), 'kvasir-bench-'))
      let opened = 0
      try {
        const { spec, base, folder } = experiment
        const rows = await experimentBench(plan, {
          folder,
          workers: counts,
          attempts: times,
          loopMs: LOOP_MS,
          store: () =>
            ResultStore.create(join(scratch, String(opened++)), {
              spec,
              base,
              scenarioFolder: '.',
              small: true,
            }),
        })
        process.stdout.write(json ? `${JSON.stringify(rows, undefined, 2)}\n` : `${textOf(rows)}\n`)
      } finally {
        rmSync(scratch, { recursive: true, force: true })
      }
    })
}

function benchPlan({ spec, base }: FoundExperiment, seeds: number) {
  const loads = ['0.7', '1.0']
  const factors = spec.factors.map((factor) =>
    factor.name === 'load'
      ? {
          ...factor,
          values: factor.values.filter(
            (value) => typeof value === 'object' && 'name' in value && loads.includes(value.name),
          ),
        }
      : factor,
  )
  const planning = planExperiment({
    spec: { ...spec, factors, set: { durationS: 30, stopAtS: 45 }, seeds: { first: 1, count: seeds } },
    base,
  })
  if (planning.kind === 'parsed') return planning.value
  throw new BadInput(planning.problems.map((problem) => `coordination: ${problem}`))
}

function atLeastOne(option: string, text: string): number {
  return wholeNumber(option, text, { from: 1, to: WORKERS_MAX })
}

const NONE = '–'

function textOf(rows: readonly ExperimentBenchRow[]): string {
  const scaling = renderTable({
    header: [
      'workers',
      'runs',
      'ms a run',
      'busy',
      'of linear',
      'loops: arithmetic',
      'memory',
      'over the slower loop',
      'of linear by processor time',
    ],
    align: ['right', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    rows: rows.map(({ workers, runs, wallMs, busy, efficiency, machine, work }) => [
      String(workers),
      String(runs),
      wallMs.toFixed(0),
      `${(busy * 100).toFixed(0)} %`,
      efficiency.toFixed(2),
      machine.arithmetic.toFixed(2),
      machine.memory.toFixed(2),
      (efficiency / Math.min(machine.arithmetic, machine.memory)).toFixed(2),
      work.toFixed(2),
    ]),
  })
  const spent = renderTable({
    header: [
      'workers',
      'own thread',
      'compiler, collector',
      'conducting',
      'start of a worker',
      'its warm-up',
    ],
    align: ['right', 'right', 'right', 'right', 'right', 'right'],
    rows: rows.map(({ workers, ownMs, helperMs, conductMs, startMs, warmUpMs }) => [
      String(workers),
      ownMs?.toFixed(0) ?? NONE,
      helperMs?.toFixed(0) ?? NONE,
      conductMs.toFixed(1),
      startMs.toFixed(0),
      warmUpMs.toFixed(0),
    ]),
  })
  return `${scaling}\n\nMilliseconds of processor time: a run, warm; then a worker, once.\n${spent}`
}
