import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { experimentBench, type ExperimentBenchRow } from '../bench/experiment-bench.js'
import { findExperiment } from '../experiment/find-experiment.js'

interface RawOptions {
  readonly workers: string
  readonly attempts: string
  readonly json?: true
}

export function addExperimentBench(bench: Command): void {
  bench
    .command('experiment')
    .summary('how a sweep scales over worker processes')
    .description(
      'Runs the small version of the shipped experiment `coordination` with six seeds (24 runs), with each number of workers in turn,\nand prints the best time of each and its share of linear.',
    )
    .option('--workers <list>', 'numbers of workers, beside 1', '2')
    .option('--attempts <n>', 'times each is measured', '3')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExamples:\n  kvasir bench experiment\n  kvasir bench experiment --workers 2,4,8')
    .action(async ({ workers, attempts, json }: RawOptions) => {
      const counts = [...new Set([1, ...workers.split(',').map((text) => wholeNumber('--workers', text))])]
      const { plan, folder } = findExperiment('coordination', { small: true, seeds: [1, 2, 3, 4, 5, 6] })
      const rows = await experimentBench(plan, {
        folder,
        workers: counts,
        attempts: wholeNumber('--attempts', attempts),
      })
      process.stdout.write(json ? `${JSON.stringify(rows, undefined, 2)}\n` : `${tableOf(rows)}\n`)
    })
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new BadInput(`${option} is ${text}; it must be a whole number of at least 1`)
}

function tableOf(rows: readonly ExperimentBenchRow[]): string {
  return renderTable({
    header: ['workers', 'runs', 'seconds', 'of linear', 'workers busy'],
    align: ['right', 'right', 'right', 'right', 'right'],
    rows: rows.map(({ workers, runs, seconds, efficiency, busy }) => [
      String(workers),
      String(runs),
      seconds.toFixed(1),
      efficiency.toFixed(2),
      `${(busy * 100).toFixed(0)} %`,
    ]),
  })
}
