import { renderTable } from '@kvasir/report'
import { type Command, Option } from 'commander'
import { BadInput } from '../bad-input.js'
import { DAMPING_BARS, dampingBench, type DampingBenchResult } from '../bench/damping-bench.js'

interface RawDampingBenchOptions {
  readonly rounds: string
  readonly seeds: string
  readonly json?: true
}

export function addDampingBench(bench: Command): void {
  bench
    .command('damping')
    .summary('work stopped for shares that move, with and without damping')
    .description(
      'Puts six engines with noisy demands on one pool, with the dead zone and the cap per round that owners have by default and without them,\nand compares the memory in use that had to be given up. Nothing here is timed: the same seeds give the same figures everywhere.',
    )
    .addOption(new Option('--rounds <n>', 'rounds of each run').default('3000'))
    .addOption(new Option('--seeds <n>', 'runs of each kind, with the seeds 1 to n').default('6'))
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample:\n  kvasir bench damping --rounds 300 --json')
    .action((options: RawDampingBenchOptions) => {
      const count = countOf('--seeds', options.seeds)
      const result = dampingBench({
        rounds: countOf('--rounds', options.rounds),
        seeds: Array.from({ length: count }, (_, i) => i + 1),
      })
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

function countOf(option: string, text: string): number {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1)
    throw new BadInput(`${option} is "${text}"; it must be a whole number of at least 1`)
  return count
}

function resultText({ rounds, seeds, rows, evictedRatios }: DampingBenchResult): string {
  const table = renderTable({
    header: ['demand / pool', 'damping', 'evicted in use', 'utilisation, least', "Jain's index, least"],
    align: ['right', 'left', 'right', 'right', 'right'],
    rows: rows.map(({ load, damping, evicted, utilisation, jain }) => [
      load.toFixed(1),
      damping,
      `${(100 * evicted).toFixed(3)} %`,
      `${(100 * utilisation).toFixed(3)} %`,
      jain.toFixed(4),
    ]),
  })
  const ratios = evictedRatios.map(({ load, ratio }) => `${ratio.toFixed(2)} at ${load.toFixed(1)}`)
  const { evictedRatio, utilisation, jain } = DAMPING_BARS
  return [
    `${rounds} rounds, seeds 1 to ${seeds.length}; evictions in shares of the pool a round, mean of the seeds`,
    table.trimEnd(),
    `Evictions with damping over those without: ${ratios.join(', ')} (bar: ${evictedRatio}).`,
    `Bars: utilisation ${100 * utilisation} %, Jain's index ${jain}.`,
    '',
  ].join('\n')
}
