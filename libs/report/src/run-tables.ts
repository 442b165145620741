import type { Distribution } from '@kvasir/contracts'
import { regimeOf } from '@kvasir/metrics'
import type { ReportRun } from './model.js'
import { duration, grouped, significant, styleFor, withUnit } from './numbers.js'
import { regimeText } from './regime.js'

/** A table as cells of text, for HTML and Markdown alike; the first column is the name of the row. */
export interface CellTable {
  readonly caption: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface KeyFigure {
  readonly label: string
  readonly value: string
  readonly detail: string
}

const NONE = '–'

/** What a reader looks for first. */
export function keyFigures({ summary }: ReportRun): readonly KeyFigure[] {
  const { requests, preemptions } = summary
  const lost = requests.rejected + requests.unfinished
  return [
    {
      label: 'finished',
      value: grouped(requests.finished),
      detail: lost === 0 ? 'all requests' : `of ${grouped(requests.submitted)}`,
    },
    {
      label: 'goodput',
      value: withUnit('perSecond', summary.goodputPerS),
      detail:
        summary.sloAttainment === null
          ? 'no SLO set'
          : `${withUnit('share', summary.sloAttainment)} within SLO`,
    },
    { label: 'TTFT p50', value: time(summary.ttftUs.p50), detail: `p99 ${time(summary.ttftUs.p99)}` },
    { label: 'E2E p50', value: time(summary.e2eUs.p50), detail: `p99 ${time(summary.e2eUs.p99)}` },
    {
      label: 'fairness',
      value: summary.jain === null ? NONE : withUnit('index', summary.jain),
      detail: "Jain's index",
    },
    {
      label: 'preemptions',
      value: grouped(preemptions.granted + preemptions.partial),
      detail: `of ${grouped(preemptions.brokered)} asked, ${grouped(preemptions.denied)} denied`,
    },
    ...swapFigure(summary),
    {
      label: 'simulated',
      value: duration(summary.simulatedUs),
      detail: `in ${duration(summary.wallMs * 1_000)}`,
    },
  ]
}

function swapFigure({ swap }: ReportRun['summary']): readonly KeyFigure[] {
  if (swap.outBytes === 0) return []
  const gigabytes = (bytes: number) => `${significant(bytes / 1e9)} GB`
  return [
    {
      label: 'swapped',
      value: gigabytes(swap.outBytes),
      detail: `${gigabytes(swap.inBytes)} back, ${grouped(swap.savedTokens)} tokens not computed again`,
    },
  ]
}

/** One row a model, in the order of `models`. */
export function modelTable({ summary }: ReportRun, models: readonly string[]): CellTable {
  const rows = models.flatMap((name) => {
    const model = summary.models[name]
    if (model === undefined) return []
    return [
      [
        name,
        model.architecture,
        grouped(model.weight),
        grouped(model.requests.finished),
        grouped(model.requests.rejected),
        grouped(model.requests.unfinished),
        grouped(model.tokens.output),
        pair(model.ttftUs),
        pair(model.tpotUs),
        pair(model.e2eUs),
        pair(model.queueUs),
        model.sloAttainment === null ? NONE : withUnit('share', model.sloAttainment),
      ],
    ]
  })
  return withoutIdleColumns(['rejected', 'unfinished'], {
    caption: `Models (latencies: p50 / p99; ${regimeText(summary)})`,
    header: [
      'model',
      'architecture',
      'weight',
      'finished',
      'rejected',
      'unfinished',
      'output tokens',
      'TTFT',
      'TPOT',
      'E2E',
      'queue',
      'SLO met',
    ],
    rows,
  })
}

/** Without those of the columns called `names` in which every cell is 0. */
function withoutIdleColumns(names: readonly string[], table: CellTable): CellTable {
  const isKept = table.header.map(
    (name, column) => !names.includes(name) || table.rows.some((row) => row[column] !== '0'),
  )
  return {
    caption: table.caption,
    header: table.header.filter((_, column) => isKept[column]),
    rows: table.rows.map((row) => row.filter((_, column) => isKept[column])),
  }
}

/** One row a pool, in the order of the series. */
export function poolTable({ summary, series }: ReportRun): CellTable {
  const rows = series.pools.flatMap(({ pool: name }) => {
    const pool = summary.pools[name]
    if (pool === undefined) return []
    return [
      [
        name,
        `${pool.tp} × ${pool.gpu}`,
        grouped(pool.engines.length),
        withUnit('share', pool.utilisation),
        pool.load === null
          ? NONE
          : `${withUnit('share', pool.load)}, ${regimeOf(pool.load, pool.queueGrowth)}`,
        withUnit('share', pool.kvUtilisation),
        `${grouped(pool.peakBundles)} / ${grouped(pool.bundles)}`,
        withUnit('share', pool.fragmentation.internal),
        withUnit('share', pool.fragmentation.bundle),
        withUnit('share', pool.fragmentation.pool),
        withUnit('share', pool.fragmentation.edge),
        withUnit('count', pool.stepTokensMean),
        pair(pool.stepTimeUs),
      ],
    ]
  })
  return {
    caption: 'Pools',
    header: [
      'pool',
      'GPUs',
      'engines',
      'utilisation',
      'load',
      'KV in use',
      'peak / all bundles',
      'lost in blocks',
      'lost in bundles',
      'held idle',
      'behind last blocks',
      'tokens a step',
      'step p50 / p99',
    ],
    rows,
  }
}

/** Bundles by taker and donor; undefined when nothing was taken. */
export function preemptionTable({ preemptions }: ReportRun): CellTable | undefined {
  const { names, bundles } = preemptions
  if (bundles.flat().every((taken) => taken === 0)) return undefined
  return {
    caption: 'Bundles taken (rows) from (columns)',
    header: ['taken by', ...names],
    rows: names.map((name, i) => [
      name,
      ...bundles[i].map((taken) => (taken === 0 ? '' : grouped(Math.round(taken)))),
    ]),
  }
}

function time(us: number | null): string {
  return us === null ? NONE : duration(us)
}

/** Each in its own unit, said once where they share it: `12.3 / 45.6 ms`, `62.3 ms / 1.66 s`. */
function pair({ p50, p99 }: Distribution): string {
  if (p50 === null || p99 === null) return NONE
  const [low, high] = [styleFor('us', [p50]), styleFor('us', [p99])]
  const unit = low.suffix === high.suffix || p50 === 0 ? '' : low.suffix
  return `${low.write(p50)}${unit} / ${high.write(p99)}${high.suffix}`
}
