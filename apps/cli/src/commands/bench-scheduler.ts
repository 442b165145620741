import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import type { Recorded } from '../bench/scheduler/recorded.js'
import {
  type GoldenFolder,
  SCHEDULER_BARS,
  schedulerBench,
  type SchedulerBenchResult,
} from '../bench/scheduler-bench.js'
import { readGoldenCase } from '../input/golden-case.js'

interface RawOptions {
  readonly golden?: string
  readonly json?: true
}

export function addSchedulerBench(bench: Command): void {
  bench
    .command('scheduler')
    .summary('time and memory of a scheduling step, beside vLLM')
    .description(
      'Measures the scheduler and the KV cache in this process: steady decode at 1 to 4,096 sequences, recorded cases end to end, 1,000 and 10,000 requests at once, and the largest pools and contexts. With the folder of recorded cases it says how many times as long the scheduler of vLLM took, carried over to this machine by a yardstick.',
    )
    .addHelpText(
      'after',
      '\nexamples:\n  kvasir bench scheduler\n  kvasir bench scheduler --golden ../shared/golden/vllm --json',
    )
    .option('--golden <folder>', 'recorded cases with their bench.json; ../shared/golden/vllm if there')
    .option('--json', 'print the figures as JSON')
    .action((options: RawOptions) => {
      const folder = goldenFolder(options.golden)
      const result = schedulerBench(folder, (part) => process.stderr.write(`${part}\n`))
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

const nothing: GoldenFolder = { recorded: { decode: [], end_to_end: [] }, cases: [] }

/** @throws {BadInput} for a folder that was named and is none. */
function goldenFolder(named: string | undefined): GoldenFolder {
  const shared =
    process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../../../../shared', import.meta.url))
  const folder = named ?? join(shared, 'golden/vllm')
  const bench = join(folder, 'bench.json')
  if (!existsSync(bench)) {
    if (named !== undefined)
      throw new BadInput(`--golden ${named}: there is no bench.json; name the folder of the recorded cases`)
    process.stderr.write(`no recorded cases at ${folder}: nothing to compare with\n`)
    return nothing
  }
  const cases = readdirSync(folder).filter((name) => /^l_.*\.json(\.gz)?$/.test(name))
  return {
    recorded: readRecorded(bench),
    cases: cases.sort().map((name) => readGoldenCase(join(folder, name))),
  }
}

function readRecorded(path: string): Recorded {
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isRecorded(value)) throw new BadInput(`${path}: it needs lists named decode and end_to_end`)
  return value
}

function isRecorded(value: unknown): value is Recorded {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map(Object.entries(value))
  return Array.isArray(fields.get('decode')) && Array.isArray(fields.get('end_to_end'))
}

function resultText({ yardstick, decode, decodeRatio, golden, burst, scale }: SchedulerBenchResult): string {
  return [
    'steady decode, plan and complete together; best of 7',
    renderTable({
      header: [
        'sequences',
        'caching',
        'us/step',
        'median',
        'ns/sequence',
        'heap B/step',
        'vLLM us',
        'times faster',
      ],
      align: ['right', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
      rows: decode.map((row) => [
        row.batch.toLocaleString('en'),
        row.prefixCaching ? 'on' : 'off',
        row.microsPerStep.toFixed(2),
        row.microsPerStepMedian.toFixed(2),
        row.nanosPerSequence.toFixed(1),
        row.heapBytesPerStep.toFixed(1),
        numberOr(row.recordedMicrosPerStep, 1),
        numberOr(row.faster, 0),
      ]),
    }).trimEnd(),
    `cost of a sequence at 4,096 over that at 32: ${decodeRatio.cachingOff.toFixed(2)} with caching off, ${decodeRatio.cachingOn.toFixed(2)} on`,
    '',
    ...goldenText(golden),
    'requests that are all there at once, 32 slots; best of 9',
    renderTable({
      header: ['requests', 'steps', 'ms', 'requests/s', 'recorded ms', 'times faster'],
      align: ['right', 'right', 'right', 'right', 'right', 'right'],
      rows: burst.rows.map((row) => [
        row.requests.toLocaleString('en'),
        row.steps.toLocaleString('en'),
        row.millis.toFixed(2),
        Math.round(row.requestsPerSecond).toLocaleString('en'),
        row.recordedMillis.toFixed(0),
        row.faster.toFixed(0),
      ]),
    }).trimEnd(),
    `time of 10,000 over that of 1,000: ${burst.timeRatio.toFixed(1)} (bar ${SCHEDULER_BARS.burstRatio})`,
    '',
    'large pools and contexts; best of 3',
    renderTable({
      header: ['what', 'time', ''],
      align: ['left', 'right', 'left'],
      rows: scale.map((row) => [row.what, row.value.toPrecision(3), row.unit]),
    }).trimEnd(),
    '',
    `yardstick: ${(yardstick.heapHoldPerSecond / 1e6).toFixed(2)} million heap pairs a second here, ${(yardstick.recorded / 1e6).toFixed(1)} recorded where the others ran: this machine is ${yardstick.speed.toFixed(2)} x as fast; times faster are carried over by it`,
    `bars: decode ${SCHEDULER_BARS.decode} x at 1 to 1,024 sequences, recorded cases ${SCHEDULER_BARS.golden} x, cost of a sequence from 32 to 4,096 at most ${SCHEDULER_BARS.decodeRatio}`,
    '',
  ].join('\n')
}

function goldenText(rows: SchedulerBenchResult['golden']): string[] {
  if (rows.length === 0) return []
  return [
    'recorded cases end to end, hashing included; best of 7',
    renderTable({
      header: ['case', 'requests', 'ms', 'of it made up', 'vLLM ms', 'times faster'],
      align: ['left', 'right', 'right', 'right', 'right', 'right'],
      rows: rows.map((row) => [
        row.name,
        row.requests.toLocaleString('en'),
        row.millis.toFixed(1),
        row.translationMillis.toFixed(1),
        numberOr(row.recordedMillis, 0),
        numberOr(row.faster, 0),
      ]),
    }).trimEnd(),
    '',
  ]
}

function numberOr(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits)
}
