import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'
import {
  ALLOCATION_BARS,
  allocationBench,
  type AllocationBenchResult,
  type Timing,
} from '../bench/allocation-bench.js'

export function addAllocationBench(bench: Command): void {
  bench
    .command('allocation')
    .summary('microseconds a division of budgets')
    .description(
      'Measures how long it takes to divide a round among 10 to 10,000 engines with guarantees, limits and demand; the earlier\nsystem’s rule beside its recorded times; one engine’s budget, one reservation, one engine’s change; and a plan for a\ncluster. Medians and p99 over 120 inputs (1,200 changes), each at the best of seven repeats, and p99 over all calls.',
    )
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir bench allocation\n  kvasir bench allocation --json > allocation.json',
    )
    .action((options: { readonly json?: true }) => {
      const result = allocationBench((part) => process.stderr.write(`${part} …\n`))
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

function resultText(result: AllocationBenchResult): string {
  const { yardstick } = result
  return [
    timings(['rule', 'engines'], divisionRows(result)),
    timings(['one change, weights', 'engines'], changeRows(result)),
    timings(['a cluster, models', 'pools'], clusterRows(result)),
    renderTable({
      header: ['engines', 'one budget ns', 'one reservation ns'],
      align: ['right', 'right', 'right'],
      rows: result.single.map(({ engines, budgetUs, reservationUs }) => [
        engines.toLocaleString('en'),
        (budgetUs * 1_000).toFixed(0),
        (reservationUs * 1_000).toFixed(0),
      ]),
    }).trimEnd(),
    `growth, time over n log n, 1 at 1,000: ${result.growth.map(({ engines, perElement }) => `${perElement.toFixed(2)} at ${engines.toLocaleString('en')}`).join(', ')}`,
    `times of the earlier system in native code, as recorded (and carried over by the yardstick): ${result.kapsl.map(({ engines, times, timesCarriedOver }) => `${times.toFixed(2)} (${timesCarriedOver.toFixed(2)}) at ${engines.toLocaleString('en')}`).join(', ')}; bar ${ALLOCATION_BARS.kapslTimesRecorded} at 1,000`,
    `yardstick: ${(yardstick.heapHoldPerSecond / 1e6).toFixed(2)} million heap pairs a second here, ${(yardstick.recorded / 1e6).toFixed(1)} recorded: this machine is ${yardstick.speed.toFixed(2)} x as fast`,
    '',
  ].join('\n\n')
}

interface Row {
  readonly names: readonly [string, string]
  readonly timing: Timing
  /** Of the median. */
  readonly barUs: number | undefined
  /** Most times the median that the p99 may be. */
  readonly p99OverMedian?: number
}

function divisionRows({ alone, overTime, kapsl }: AllocationBenchResult): readonly Row[] {
  const row = (name: string, timing: Timing & { engines: number }, barUs?: number): Row => ({
    names: [name, timing.engines.toLocaleString('en')],
    timing,
    barUs,
    p99OverMedian: ALLOCATION_BARS.p99OverMedian,
  })
  return [
    ...alone.map((each) => row('max-min, alone', each, ALLOCATION_BARS.divisionUs.get(each.engines))),
    ...overTime.map((each) => row('max-min, over time', each, ALLOCATION_BARS.divisionUs.get(each.engines))),
    ...kapsl.map((each) => row('kapsl', each)),
  ]
}

function changeRows({ changes }: AllocationBenchResult): readonly Row[] {
  return changes.map((each) => ({
    names: [each.weights, each.engines.toLocaleString('en')],
    timing: each,
    barUs: each.engines === 10_000 ? ALLOCATION_BARS.changeUs : undefined,
  }))
}

function clusterRows({ cluster }: AllocationBenchResult): readonly Row[] {
  return cluster.map((each) => ({
    names: [String(each.models), String(each.pools)],
    timing: each,
    barUs: undefined,
  }))
}

function timings(names: readonly [string, string], rows: readonly Row[]): string {
  return renderTable({
    header: [...names, 'median us', 'p99 us', 'all p99 us', 'bar us', ''],
    align: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
    rows: rows.map((row) => [
      ...row.names,
      row.timing.medianUs.toFixed(1),
      row.timing.p99Us.toFixed(1),
      row.timing.allP99Us.toFixed(1),
      row.barUs === undefined ? '' : String(row.barUs),
      verdict(row),
    ]),
  }).trimEnd()
}

function verdict({ timing, barUs, p99OverMedian = Infinity }: Row): string {
  if (barUs === undefined) return ''
  if (timing.medianUs > barUs) return 'median missed'
  return timing.p99Us > p99OverMedian * timing.medianUs ? 'p99 missed' : 'kept'
}
