import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { simulationParts } from '../bench/scale/profile-parts.js'
import { scaleBench, type ScaleResult, type ScaleRow } from '../bench/scale/scale-bench.js'

interface RawOptions {
  readonly engines: string
  readonly perPool: string
  readonly json?: true
}

export function addScaleBench(bench: Command): void {
  bench
    .command('scale')
    .summary('what a cluster costs as it grows, and where the time goes')
    .description(
      'Simulates clusters of more and more engines in this process, each engine with the same work (5 s of short requests), and prints processor\ntime a request, a budget round and a decision of the broker, memory an engine, and the share of each part by sampling.',
    )
    .option('--engines <list>', 'sizes', '10,100,1000,10000')
    .option('--per-pool <n>', 'engines on each TP group', '10')
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir bench scale\n  kvasir bench scale --engines 10,100 --json\n  kvasir bench scale --engines 1000 --per-pool 100',
    )
    .action(async ({ engines, perPool, json }: RawOptions) => {
      const enginesPerPool = wholeNumber('--per-pool', perPool)
      const shapes = engines
        .split(',')
        .map((text) => ({ engines: wholeNumber('--engines', text), enginesPerPool }))
      const result = await scaleBench(shapes, (row) => process.stderr.write(`${progressLine(row)}\n`))
      process.stdout.write(json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

const ENGINES_MAX = 100_000

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= ENGINES_MAX) return value
  throw new BadInput(`${option} is ${text}; it must be a whole number from 1 to ${ENGINES_MAX}`)
}

function progressLine({ engines, cpuSeconds, runs }: ScaleRow): string {
  return `${engines.toLocaleString('en')} engines: ${cpuSeconds.toFixed(2)} s of processor, best of ${runs}`
}

function resultText({ rows, requestRatio, yardstick, simulatedSeconds }: ScaleResult): string {
  const whole = (value: number) => Math.round(value).toLocaleString('en')
  const costs = renderTable({
    header: [
      'engines',
      'pools',
      'requests',
      'CPU s',
      'us/request',
      'us/event',
      'rounds',
      'us/round',
      'decisions',
      'us/decision',
      'build s',
      'KB/engine',
      'resident MB',
    ],
    align: Array.from({ length: 13 }, () => 'right' as const),
    rows: rows.map((row) => [
      whole(row.engines),
      whole(row.pools),
      whole(row.requests),
      row.cpuSeconds.toFixed(2),
      row.microsPerRequest.toFixed(0),
      row.microsPerEvent.toFixed(2),
      whole(row.rounds),
      row.microsPerRound.toFixed(1),
      whole(row.decisions),
      row.microsPerDecision?.toFixed(1) ?? '-',
      row.buildSeconds.toFixed(2),
      row.kilobytesPerEngine.toFixed(0),
      whole(row.residentMegabytes),
    ]),
  })
  const shares = renderTable({
    header: ['share of the time', ...rows.map(({ engines }) => whole(engines))],
    align: ['left', ...rows.map(() => 'right' as const)],
    rows: simulationParts.map((part) => [
      part,
      ...rows.map((row) => `${(row.shares[part] * 100).toFixed(1)} %`),
    ]),
  })
  return [
    `${simulatedSeconds} simulated seconds of arrivals, work in proportion to engines; processor time with sampling, best of up to 10 runs`,
    costs.trimEnd(),
    '',
    shares.trimEnd(),
    '',
    `a request in the largest cluster costs ${requestRatio.toFixed(2)} x what it costs in the smallest`,
    `yardstick: ${(yardstick.heapHoldPerSecond / 1e6).toFixed(2)} million heap pairs a second here, ${(yardstick.recorded / 1e6).toFixed(1)} recorded: this machine is ${yardstick.speed.toFixed(2)} x as fast`,
    '',
  ].join('\n')
}
