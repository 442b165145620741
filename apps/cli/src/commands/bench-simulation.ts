import { existsSync } from 'node:fs'
import { renderTable } from '@kvasir/report'
import { defaultWorkload, generateRequests, limit, type RequestRecord, takeAll } from '@kvasir/workload'
import { type Command, Option } from 'commander'
import { BadInput } from '../bad-input.js'
import {
  type ProfileCost,
  simulationBench,
  type SimulationBenchResult,
  type SimulationBenchRow,
} from '../bench/simulation-bench.js'
import { traceBench, type TraceBenchResult } from '../bench/trace-bench.js'
import { readTraceRecords } from '../input/trace-file.js'

interface RawBenchOptions {
  readonly trace?: string | undefined
  readonly cluster?: string
  readonly policy: string
  readonly requests?: string | undefined
  readonly large: boolean
  readonly json?: true
}

export function addSimulationBench(bench: Command): void {
  bench
    .command('simulation', { isDefault: true })
    .summary('requests a second, beside other simulators')
    .description(
      'Measures the simulator in this process and prints it beside what other simulators need for the same requests: one\nLlama-70B engine on a TP-4 group of H100s, 10,000 and 100,000 requests of the Azure 2023 conversation trace (given\nwith --trace, or else made like it), and a million requests over 64 engines. Then the 10,000 again with step times\nfrom measured profiles and from a roofline in turn: what profiles cost.\n\nWith --cluster it runs one policy over a whole trace instead: the four-model trace of two hours given with --trace, or\nelse made like it.',
    )
    .option('--trace <file>', 'the trace (.gz too); made like it when left out')
    .option('--cluster <name>', 'run a whole trace on this cluster, such as h100_64gpu, and nothing else')
    .option('--policy <name>', 'beside --cluster: how budgets and memory are divided', 'weighted-max-min')
    .option('--requests <n>', 'beside --cluster: requests taken at most')
    .addOption(new Option('--no-large', 'leave out the million requests'))
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir bench simulation --no-large\n  kvasir bench simulation --cluster h100_64gpu --trace servegen_4models_2h_derived.csv.gz',
    )
    .action(async ({ cluster, ...options }: RawBenchOptions) => {
      if (cluster !== undefined) return benchTrace({ ...options, cluster })
      if (options.requests !== undefined)
        throw new BadInput(`--requests is ${options.requests}; it must be left out, or come with --cluster`)
      const trace = await conversation(options.trace)
      process.stderr.write(`${trace.source}\n`)
      const result = simulationBench(trace.records, {
        large: options.large,
        report: (row) => process.stderr.write(`${progressLine(row)}\n`),
      })
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ trace: trace.source, ...result }, undefined, 2)}\n`
          : resultText(result),
      )
    })
}

async function conversation(
  path: string | undefined,
): Promise<{ source: string; records: readonly RequestRecord[] }> {
  if (path !== undefined) {
    if (!existsSync(path)) throw new BadInput(`--trace ${path}: there is no such file`)
    return { source: `requests of ${path}`, records: await readTraceRecords(path) }
  }
  const made = generateRequests(defaultWorkload('azure-conv'), 1)
  return {
    source: 'requests made like the Azure 2023 conversation trace',
    records: takeAll(limit(made, 19_366)),
  }
}

async function benchTrace({
  trace,
  cluster,
  policy,
  requests,
  json,
}: RawBenchOptions & { readonly cluster: string }): Promise<void> {
  const result = await traceBench({ trace, cluster, policy, requests })
  process.stdout.write(json ? `${JSON.stringify(result, undefined, 2)}\n` : traceText(result))
}

function traceText(result: TraceBenchResult): string {
  const { requests, groups, engines, steps, events, simulatedSeconds, runSeconds, scanSeconds } = result
  const many = (count: number) => Math.round(count).toLocaleString('en')
  return [
    `${many(requests)} requests, ${groups} groups, ${engines} engines, ${(simulatedSeconds / 3600).toFixed(2)} simulated hours: ${many(steps)} steps, ${many(events)} events`,
    `${runSeconds.toFixed(1)} s of processor to simulate it (${((runSeconds * 1e6) / steps).toFixed(2)} us a step, ${((runSeconds * 1e6) / requests).toFixed(0)} us a request), and ${scanSeconds.toFixed(1)} s to check the trace before`,
    `resident: ${result.residentMegabytes.toFixed(0)} MB at most`,
    `yardstick: ${(result.heapHoldPerSecond / 1e6).toFixed(2)} million heap pairs in a second of processor; at the recorded 6.2 it would be ${(runSeconds * result.speed).toFixed(1)} s`,
    '',
  ].join('\n')
}

function progressLine(row: SimulationBenchRow): string {
  return `${row.requests.toLocaleString('en')} requests, ${row.engines} engine${row.engines === 1 ? '' : 's'}: ${row.seconds.toFixed(2)} s`
}

function resultText(result: SimulationBenchResult): string {
  const rows = renderTable({
    header: [
      'requests',
      'engines',
      'seconds',
      'requests/s',
      'events/s',
      'steps/s',
      'us/request',
      'resident MB',
      'simulated h',
    ],
    align: ['right', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    rows: result.rows.map((row) => [
      row.requests.toLocaleString('en'),
      String(row.engines),
      row.seconds.toFixed(2),
      Math.round(row.requestsPerSecond).toLocaleString('en'),
      Math.round(row.eventsPerSecond).toLocaleString('en'),
      Math.round(row.stepsPerSecond).toLocaleString('en'),
      row.microsPerRequest.toFixed(1),
      row.residentMegabytes.toFixed(0),
      (row.simulatedSeconds / 3600).toFixed(1),
    ]),
  })
  const { yardstick, costRatio, profiles, faster } = result
  const others = faster.map(
    ({ name, recordedSeconds, times }) => `  ${times.toFixed(0)} x ${name} (${recordedSeconds} s recorded)`,
  )
  return [
    rows.trimEnd(),
    '',
    `cost of a request at 100,000 over 10,000: ${costRatio === null ? '-' : costRatio.toFixed(2)}`,
    profilesText(profiles),
    `yardstick: ${(yardstick.heapHoldPerSecond / 1e6).toFixed(2)} million heap pairs a second here, ${(yardstick.recorded / 1e6).toFixed(1)} recorded where the others ran: this machine is ${yardstick.speed.toFixed(2)} x as fast`,
    'faster than other simulators on the first 10,000 requests, their times carried over by the yardstick:',
    ...others,
    '',
  ].join('\n')
}

function profilesText({
  pairs,
  requests,
  rooflineSeconds,
  rooflineSteps,
  profileSeconds,
  profileSteps,
  secondsRatio,
  stepRatio,
  ceiling,
}: ProfileCost): string {
  const verdict = secondsRatio <= ceiling ? 'within' : 'above'
  const run = (seconds: number, steps: number) =>
    `${seconds.toFixed(2)} s for ${steps.toLocaleString('en')} steps`
  return [
    `profiles on: ${secondsRatio.toFixed(2)} x the time of a roofline, ${verdict} the ceiling of ${ceiling} (${stepRatio.toFixed(2)} x a step; median of ${pairs} pairs,`,
    `  ${requests.toLocaleString('en')} requests: ${run(profileSeconds, profileSteps)}, by roofline ${run(rooflineSeconds, rooflineSteps)})`,
  ].join('\n')
}
