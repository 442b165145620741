import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'
import { clusterBench, type ClusterBenchResult, fullSize } from '../bench/cluster/cluster-bench.js'
import type { Times } from '../bench/cluster/times.js'

export function addClusterBench(bench: Command): void {
  bench
    .command('cluster')
    .summary('how fast coordinator, engines and Redis are together')
    .description(
      'Starts a private Redis, a coordinator and a cluster of three models, and measures requests for memory, decisions a second, budgets,\nan idle cluster, the loop of an engine and the way to the first token. Times are also given as multiples of a PING of the same Redis.\nIt takes about three minutes; other work on the machine shows in every figure.',
    )
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample:\n  kvasir bench cluster --json > cluster.json')
    .action(async (options: { readonly json?: true }) => {
      const result = await clusterBench(fullSize, (what) => process.stderr.write(`${what}\n`))
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

interface Row {
  readonly what: string
  readonly figure: string
  readonly pings?: string
  readonly bar: string
  readonly kept: boolean
}

function resultText(result: ClusterBenchResult): string {
  const rows = rowsOf(result)
  const table = renderTable({
    header: ['', 'measured', 'in PINGs', 'bar', ''],
    align: ['left', 'right', 'right', 'left', 'left'],
    rows: rows.map(({ what, figure, pings = '', bar, kept }) => [
      what,
      figure,
      pings,
      bar,
      kept ? 'kept' : 'missed',
    ]),
  })
  const { ping, live } = result
  const idle = Object.entries(live.idle.byKind).map(([kind, share]) => `${kind} ${percent(share)}`)
  return [
    `PING: p50 ${ms(ping.p50)}, p99 ${ms(ping.p99)}`,
    '',
    table.trimEnd(),
    '',
    `Idle, by kind of process: ${idle.join(', ')}.`,
    '',
  ].join('\n')
}

function rowsOf({ ping, requests, rates, budgets, loop, live }: ClusterBenchResult): readonly Row[] {
  const inPings = (time: number) => (time / ping.p50).toFixed(1)
  const time = (what: string, { p50, p99 }: Times, bar: string, kept: boolean): Row => ({
    what,
    figure: `p50 ${ms(p50)}, p99 ${ms(p99)}`,
    pings: inPings(p50),
    bar,
    kept,
  })
  const { free, donor, denied } = requests
  const [alone] = rates
  return [
    time(
      'grant from free bundles',
      free,
      'p50 ≤ 15 PINGs, p99 ≤ 5 ms',
      free.p50 <= 15 * ping.p50 && free.p99 <= 5,
    ),
    time('grant with one donor', donor, 'p50 ≤ 40 PINGs', donor.p50 <= 40 * ping.p50),
    time('denial', denied, 'p50 ≤ 15 PINGs, p99 ≤ 5 ms', denied.p50 <= 15 * ping.p50 && denied.p99 <= 5),
    ...rates.map(
      ({ pools, perSecond, cpuUsEach }): Row => ({
        what: `decisions, ${pools} ${pools === 1 ? 'pool' : 'pools'}`,
        figure: `${perSecond.toFixed(0)}/s (${cpuUsEach.toFixed(0)} us CPU)`,
        bar: pools === 1 ? '≥ 5,000/s' : 'more than one pool',
        kept: pools === 1 ? perSecond >= 5_000 : perSecond > alone.perSecond,
      }),
    ),
    ...budgets.map(({ engines, pools, each, last }) =>
      time(
        `budgets to ${engines} engines on ${pools} ${pools === 1 ? 'pool' : 'pools'}`,
        pools === 1 ? each : last,
        pools === 1 ? 'p50 ≤ 3 ms' : 'last one ≤ 25 ms',
        pools === 1 ? each.p50 <= 3 : last.p50 <= 25,
      ),
    ),
    {
      what: `idle cluster, ${live.idle.processes} processes`,
      figure: `${percent(live.idle.total)} of a core`,
      bar: '< 2 %',
      kept: live.idle.total < 0.02,
    },
    {
      what: `engine loop at batch ${loop.batch}`,
      figure: `${loop.wallUsEach.toFixed(0)} us a step (${loop.cpuUsEach.toFixed(0)} us CPU)`,
      bar: '≤ 100 us',
      kept: loop.wallUsEach <= 100,
    },
    time(
      'first token over HTTP, beyond the model',
      live.firstToken.engine,
      'p50 ≤ 3 ms',
      live.firstToken.engine.p50 <= 3,
    ),
    time(
      'the same through the gateway',
      live.firstToken.gateway,
      'p50 ≤ 3 ms',
      live.firstToken.gateway.p50 <= 3,
    ),
  ]
}

function ms(time: number): string {
  return `${time.toFixed(2)} ms`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
