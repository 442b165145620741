import { downSample } from './down-sample.js'
import { firstOfEachPolicy, foldMatrix, foldSeries, type ShownModels } from './fold-models.js'
import type { Markup } from './markup.js'
import type { Comparison, ComparisonRow, ModelCdfs, ReportRun } from './model.js'
import { styleFor } from './numbers.js'
import { areaPlot } from './svg/area-plot.js'
import { barPlot } from './svg/bar-plot.js'
import { cdfPlot } from './svg/cdf-plot.js'
import { heatMap, heatMapHeight, type HeatMapSpec } from './svg/heat-map.js'
import { linePlot } from './svg/line-plot.js'
import { dashOf, modelColour, policyColour } from './svg/theme.js'
import { bestOf, rowName } from './verdict.js'

/** A plot with a name that is good for a file and unique within a report. */
export interface NamedPlot {
  readonly name: string
  readonly size: 'whole' | 'half' | 'third'
  readonly svg: Markup
}

/** Widths in px of plots that stand alone, two or three in a row of a page. */
const WIDTH = { whole: 1_080, half: 530, third: 346 } as const

/** Names of a matrix whose numbers fit into half a row. */
const NAMES_IN_HALF = 7

export const cdfKinds = [
  { key: 'ttft', title: 'time to first token', limit: 'ttftUs' },
  { key: 'e2e', title: 'end to end', limit: 'e2eUs' },
  { key: 'queue', title: 'time in queue', limit: undefined },
] as const

type CdfKind = (typeof cdfKinds)[number]

/** How a run went over time: shares of budgets and memory, queues, utilisation. */
export function timePlots(run: ReportRun, shown: ShownModels): readonly NamedPlot[] {
  const sampled = { ...run, series: downSample(run.series) }
  const { timeUs, endUs, pools } = sampled.series
  const models = foldSeries(sampled, shown)
  const matrix = preemptionSpec(run)
  const lastSize = matrix.names.length > NAMES_IN_HALF ? 'whole' : 'half'
  const time = { timeUs, endUs }
  const layer = (i: number) => ({ name: models[i].model, colour: modelColour(i) })
  return [
    {
      name: 'budgets',
      size: 'whole',
      svg: areaPlot({
        ...time,
        title: 'Token budgets',
        unit: 'share of the tokens granted',
        width: WIDTH.whole,
        height: 250,
        stack: 'share',
        layers: models.map((model, i) => ({ ...layer(i), values: model.budgetTokensPerS })),
      }),
    },
    {
      name: 'kv',
      size: 'whole',
      svg: areaPlot({
        ...time,
        title: 'KV memory',
        unit: 'bundles: leased (pale) and in use (strong)',
        width: WIDTH.whole,
        height: 280,
        stack: 'amount',
        layers: models.map((model, i) => ({
          ...layer(i),
          values: model.leasedBundles,
          used: model.usedBundles,
        })),
        limit: { name: 'all bundles', value: bundlesOf(run) },
      }),
    },
    {
      name: 'queues',
      size: 'half',
      svg: linePlot({
        ...time,
        title: 'Queues',
        unit: 'waiting requests',
        width: WIDTH.half,
        height: 240,
        scale: 'whole',
        lines: models.map((model, i) => ({ ...layer(i), values: model.queueLength })),
      }),
    },
    {
      name: 'running',
      size: 'half',
      svg: linePlot({
        ...time,
        title: 'Running',
        unit: 'sequences in the batch',
        width: WIDTH.half,
        height: 240,
        scale: 'whole',
        lines: models.map((model, i) => ({ ...layer(i), values: model.running })),
      }),
    },
    {
      name: 'utilisation',
      size: lastSize,
      svg: linePlot({
        ...time,
        title: 'Utilisation',
        unit: 'share of the time in which the group computed',
        width: WIDTH[lastSize],
        height: lastSize === 'half' ? Math.max(220, heatMapHeight(matrix)) : 240,
        scale: 'share',
        lines: pools.map((pool, i) => ({
          name: pool.pool,
          colour: modelColour(i),
          values: pool.utilisation,
        })),
      }),
    },
    { name: 'preemptions', size: lastSize, svg: heatMap(matrix) },
  ]
}

/** The distributions of one run, its models in one plot. */
export function runCdfPlots(run: ReportRun, shown: ShownModels): readonly NamedPlot[] {
  const cdfs = shown.names.flatMap((name) => run.cdfs.filter((cdf) => cdf.model === name))
  return cdfKinds.map((kind) => ({
    name: `cdf-${kind.key}`,
    size: 'third' as const,
    svg: cdfPlot({
      title: capital(kind.title),
      unit: 'share of requests',
      width: WIDTH.third,
      height: 240,
      lines: cdfs.map((cdf, i) => ({
        name: cdf.model,
        colour: modelColour(shown.names.indexOf(cdf.model)),
        dash: dashOf(i),
        points: cdf[kind.key],
      })),
    }),
  }))
}

/** One plot a model and kind of latency, the policies in it. Of several seeds the first is drawn. */
export function comparisonCdfPlots(
  runs: readonly ReportRun[],
  comparison: Comparison,
  shown: ShownModels,
): readonly NamedPlot[] {
  const firstRuns = firstOfEachPolicy(runs)
  return shown.names.flatMap((model, i) =>
    cdfKinds.map((kind) => ({
      name: `compare-${kind.key}-${i}`,
      size: 'third' as const,
      svg: cdfPlot({
        title: model,
        unit: kind.title,
        width: WIDTH.third,
        height: 230,
        limitUs: limitOf(firstRuns, model, kind),
        lines: comparison.policies.map((policy, column) => ({
          name: policy,
          colour: policyColour(column, comparison.subject),
          dash: column === comparison.subject ? '' : dashOf(1 + column),
          points: cdfOf(firstRuns, policy, model)?.[kind.key] ?? [],
        })),
      }),
    })),
  )
}

/** The rows of a comparison that are worth a picture. */
const BAR_METRICS = ['goodput', 'TTFT p99', 'fairness (Jain)']

export function comparisonBarPlots(comparison: Comparison): readonly NamedPlot[] {
  const rows = comparison.rows.filter((row) => row.scope === '' && BAR_METRICS.includes(row.metric))
  return rows.map((row, i) => ({
    name: `compare-bars-${i}`,
    size: 'third' as const,
    svg: rowBars(row, comparison),
  }))
}

function rowBars(row: ComparisonRow, comparison: Comparison): Markup {
  const means = row.cells.flatMap((cell) => (cell === null ? [] : [cell.mean]))
  const style = styleFor(row.unit, means)
  return barPlot({
    title: capital(rowName(row)),
    unit: `${row.better} is better`,
    width: WIDTH.third,
    bars: row.cells.map((cell, column) => ({
      name: comparison.policies[column],
      colour: policyColour(column, comparison.subject),
      value: cell?.mean ?? null,
      min: cell?.min ?? 0,
      max: cell?.max ?? 0,
      label: cell === null ? '' : `${style.write(cell.mean)}${style.suffix}`,
      isBest: bestOf(row).includes(column),
    })),
  })
}

function preemptionSpec(run: ReportRun): HeatMapSpec {
  const matrix = foldMatrix(run.preemptions)
  return {
    title: 'Who preempted whom',
    unit: 'bundles',
    width: matrix.names.length > NAMES_IN_HALF ? WIDTH.whole : WIDTH.half,
    rowTitle: 'taken by',
    columnTitle: 'given by',
    names: matrix.names,
    values: matrix.bundles,
  }
}

function bundlesOf(run: ReportRun): number {
  return Object.values(run.summary.pools).reduce((sum, pool) => sum + pool.bundles, 0)
}

function cdfOf(runs: readonly ReportRun[], policy: string, model: string): ModelCdfs | undefined {
  return runs.find((run) => run.policy === policy)?.cdfs.find((cdf) => cdf.model === model)
}

function limitOf(runs: readonly ReportRun[], model: string, kind: CdfKind): number | undefined {
  if (kind.limit === undefined) return undefined
  return runs.flatMap((run) => run.cdfs.filter((cdf) => cdf.model === model))[0]?.slo?.[kind.limit]
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
