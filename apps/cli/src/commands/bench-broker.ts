import { renderTable } from '@kvasir/report'
import { type Command, Option } from 'commander'
import { BadInput } from '../bad-input.js'
import { brokerBench, type BrokerBenchResult, type BrokerBenchRow } from '../bench/broker-bench.js'

interface RawBrokerBenchOptions {
  readonly instances: string
  readonly json?: true
}

export function addBrokerBench(bench: Command): void {
  bench
    .command('broker')
    .summary('time and quality of preemption decisions')
    .description(
      'Measures how long one decision takes, on 160 groups and 4,000 bundles among others, and compares random preemptions with the\nleast cost there is and with the earlier single-donor rule.',
    )
    .addOption(new Option('--instances <n>', 'random preemptions to compare').default('10000'))
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample:\n  kvasir bench broker --instances 1000 --json')
    .action((options: RawBrokerBenchOptions) => {
      const instances = Number(options.instances)
      if (!Number.isSafeInteger(instances) || instances < 1)
        throw new BadInput(`--instances is "${options.instances}"; it must be a whole number of at least 1`)
      const result = brokerBench({
        instances,
        report: ({ name, p99Ms }) => process.stderr.write(`${name}: p99 ${p99Ms.toFixed(2)} ms\n`),
      })
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

function resultText(result: BrokerBenchResult): string {
  const { questions, repeats, decisions, refusals, growth, quality, seed, speed } = result
  return [
    `${questions} questions of seed ${seed}, each at the best of ${repeats}; "all p99" is over every run. This machine is ${speed.toFixed(2)} x as fast as the yardstick's.`,
    '',
    timesTable('decision', decisions),
    '',
    timesTable('refusal', refusals),
    '',
    timesTable('growth: groups x bundles', growth),
    '',
    ...quality.flatMap((compared) => [
      `${compared.feasible} feasible random preemptions with ${compared.shape}, seed ${compared.seed}`,
      qualityTable(compared),
      '',
    ]),
  ].join('\n')
}

function timesTable(title: string, rows: readonly BrokerBenchRow[]): string {
  return renderTable({
    header: [title, 'groups', 'bundles', 'median ms', 'p99 ms', 'bar', 'all p99 ms', 'proved'],
    align: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    rows: rows.map((row) => [
      row.name,
      String(row.groups),
      row.bundles.toLocaleString('en'),
      row.medianMs.toFixed(3),
      row.p99Ms.toFixed(3),
      row.barMs === null ? '' : String(row.barMs),
      row.allP99Ms.toFixed(3),
      percent(row.proved),
    ]),
  }).trimEnd()
}

function qualityTable({ ways }: BrokerBenchResult['quality'][number]): string {
  return renderTable({
    header: [
      'cost over the least',
      'mean',
      'p99',
      'worst',
      'feasible denied',
      'inversions',
      'freed / needed',
    ],
    align: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    rows: ways.map(({ way, mean, p99, worst, denied, inversions, freedPerNeeded }) => [
      way,
      mean.toFixed(4),
      p99.toFixed(3),
      worst.toFixed(2),
      percent(denied),
      percent(inversions),
      freedPerNeeded.toFixed(3),
    ]),
  }).trimEnd()
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
