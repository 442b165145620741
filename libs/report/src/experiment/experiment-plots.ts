import { type CellEstimate, estimateCells, type Metric, metricsOf } from '@kvasir/experiment'
import { shownModels } from '../fold-models.js'
import type { Comparison, ReportRun } from '../model.js'
import { styleFor } from '../numbers.js'
import { comparisonCdfPlots, type NamedPlot, timePlots } from '../plots.js'
import { barPlot } from '../svg/bar-plot.js'
import { heatMap } from '../svg/heat-map.js'
import { dashOf, policyColour } from '../svg/theme.js'
import { rangeTicks, type XyLine, xyPlot } from '../svg/xy-plot.js'
import {
  type Axes,
  axesOf,
  cellAt,
  type FactorAxis,
  type Spot,
  spotLabel,
  spotsOf,
  subjectIndex,
} from './axes.js'
import { metricStyle } from './experiment-tables.js'
import type { ExperimentReport } from './model.js'

/** Plots a metric has at most: with more combinations of other factors tables say it better. */
const SPOTS_MAX = 8

const WIDTH = { whole: 1_080, half: 530, third: 346 } as const

/**
 * Each metric against the numbers of the first factor that has any, such as goodput against load; else as bars. Drawn candidates
 * differ in all their axes at once, so that a line along one of them would say nothing.
 */
export function metricPlots(report: ExperimentReport): readonly NamedPlot[] {
  if (isDrawnByLot(report)) return []
  const axes = axesOf(report)
  const spots = spotsOf(axes.others).slice(0, SPOTS_MAX)
  return report.metrics.flatMap((metric, m) =>
    spots.map((spot, s) => {
      const { x } = axes
      const svg =
        x === undefined
          ? metricBars(report, metric, axes, spot)
          : metricLines(report, metric, { ...axes, x }, spot)
      return { name: `metric-${m}-${s}`, size: x === undefined ? ('third' as const) : ('half' as const), svg }
    }),
  )
}

function metricLines(
  report: ExperimentReport,
  metric: Metric,
  { x, line }: Axes & { readonly x: FactorAxis },
  spot: Spot,
) {
  const style = metricStyle(report, metric)
  const estimates = byCell(report.estimates.filter(({ metric: name }) => name === metric.name))
  const at = spotLabel(report, spot)
  return xyPlot({
    title: metric.name,
    unit: [at, `${metric.better} is better`].filter((part) => part !== '').join(', '),
    width: WIDTH.half,
    height: 280,
    xTitle: x.name,
    xTicks: x.levels.map((level) => ({ value: Number(level), label: level })),
    write: (value) => `${style.write(value)}${style.suffix}`,
    lines: linesOf(report, line, (lineSpot) =>
      x.levels.flatMap((level) => {
        const cell = cellAt(report, spot, lineSpot, new Map([[x.index, level]]))
        const estimate = cell === undefined ? undefined : estimates.get(cell)
        return estimate === undefined
          ? []
          : [{ x: Number(level), y: estimate.mean, yRange: estimate.interval }]
      }),
    ),
  })
}

/** A line for each level of a factor, or a single one. */
function linesOf(
  report: ExperimentReport,
  line: FactorAxis | undefined,
  points: (spot: Spot) => XyLine['points'],
): readonly XyLine[] {
  if (line === undefined)
    return [{ name: report.plan.spec.name, colour: policyColour(0, 0), dash: '', points: points(new Map()) }]
  const subject = subjectIndex(report, line)
  return line.levels.map((level, i) => ({
    name: level,
    colour: policyColour(i, subject),
    dash: i === subject ? '' : dashOf(1 + i),
    points: points(new Map([[line.index, level]])),
  }))
}

function metricBars(report: ExperimentReport, metric: Metric, { line }: Axes, spot: Spot) {
  const style = metricStyle(report, metric)
  const estimates = byCell(report.estimates.filter(({ metric: name }) => name === metric.name))
  const subject = subjectIndex(report, line)
  const levels = line?.levels ?? ['']
  const bars = levels.map((level, i) => {
    const cell = cellAt(report, spot, line === undefined ? new Map() : new Map([[line.index, level]]))
    const estimate = cell === undefined ? undefined : estimates.get(cell)
    const interval = estimate?.interval ?? null
    return {
      name: level === '' ? report.plan.spec.name : level,
      colour: policyColour(i, subject),
      value: estimate?.mean ?? null,
      min: interval?.low ?? estimate?.mean ?? 0,
      max: interval?.high ?? estimate?.mean ?? 0,
      label: estimate === undefined ? '' : `${style.write(estimate.mean)}${style.suffix}`,
      isBest: false,
    }
  })
  const at = spotLabel(report, spot)
  return barPlot({
    title: metric.name,
    unit: [at, `${metric.better} is better`].filter((part) => part !== '').join(', '),
    width: WIDTH.third,
    bars,
  })
}

/** Fairness against efficiency: each level a line through its cells, from the first level of the x factor to the last. */
export function fairnessPlot(report: ExperimentReport): readonly NamedPlot[] {
  if (isDrawnByLot(report)) return []
  const [jain, goodput] = metricsOf([
    { path: 'jain', better: 'higher' },
    { path: 'goodputPerS', better: 'higher' },
  ])
  const fair = byCell(estimateCells(report.results, [jain]))
  const efficient = byCell(estimateCells(report.results, [goodput]))
  const known = [...fair.keys()].filter((cell) => efficient.has(cell))
  if (known.length < 2) return []
  const { line } = axesOf(report)
  const lows = known.map((cell) => fair.get(cell)?.mean ?? 0)
  const points = (spot: Spot) =>
    known.flatMap((cell) => {
      const isHere = [...spot].every(([index, level]) => report.plan.cells[cell].levels[index] === level)
      const x = fair.get(cell)
      const y = efficient.get(cell)
      return isHere && x !== undefined && y !== undefined
        ? [{ x: x.mean, y: y.mean, yRange: y.interval }]
        : []
    })
  const style = styleFor(
    'perSecond',
    [...efficient.values()].map(({ mean }) => mean),
  )
  const svg = xyPlot({
    title: 'Fairness against efficiency',
    unit: 'goodput; up and right is better',
    width: WIDTH.half,
    height: 280,
    xTitle: "Jain's index",
    xTicks: rangeTicks(Math.min(...lows), Math.max(...lows), 5),
    lines: linesOf(report, line, points),
    write: (value) => `${style.write(value)}${style.suffix}`,
  })
  return [{ name: 'fairness', size: 'half', svg }]
}

function isDrawnByLot({ search }: ExperimentReport): boolean {
  return search?.kind === 'best' && search.axes.length > 1
}

/** The main metric over two factors. */
export function heatMapPlot(report: ExperimentReport): readonly NamedPlot[] {
  if (isDrawnByLot(report)) return []
  const { x, line, others } = axesOf(report)
  const column = x ?? others.find(({ levels }) => levels.length > 1)
  if (line === undefined || column === undefined || line.levels.length < 2) return []
  const [metric] = report.metrics
  const style = metricStyle(report, metric)
  const estimates = byCell(report.estimates.filter(({ metric: name }) => name === metric.name))
  const rest = others.filter((factor) => factor !== column)
  return spotsOf(rest)
    .slice(0, SPOTS_MAX)
    .map((spot, i) => {
      const value = (row: string, level: string) => {
        const cell = cellAt(report, spot, new Map([[line.index, row]]), new Map([[column.index, level]]))
        return cell === undefined ? 0 : (estimates.get(cell)?.mean ?? 0)
      }
      const svg = heatMap({
        title: metric.name,
        unit: [spotLabel(report, spot), style.suffix.trim()].filter((part) => part !== '').join(', '),
        width: WIDTH.half,
        rowTitle: line.name,
        columnTitle: column.name,
        names: line.levels,
        columnNames: column.levels,
        values: line.levels.map((row) => column.levels.map((level) => value(row, level))),
        write: style.write,
      })
      return { name: `heat-${i}`, size: 'half' as const, svg }
    })
}

/** What single runs look like at one combination of the factors that are not lines. */
export interface DrawnSpot {
  readonly label: string
  /** Distributions of latency, a plot a model and kind, the levels in it. */
  readonly cdfs: readonly NamedPlot[]
  /** Budgets and memory of each level over time. */
  readonly levels: readonly { readonly name: string; readonly plots: readonly NamedPlot[] }[]
}

export function drawnSpots(report: ExperimentReport): readonly DrawnSpot[] {
  const { x, line, others } = axesOf(report)
  const byCells = new Map(report.drawings.map(({ cell, run }) => [cell, run]))
  const spots = spotsOf([...others, ...(x === undefined ? [] : [x])])
  const levels = line?.levels ?? ['']
  return spots.slice(0, SPOTS_MAX).flatMap((spot) => {
    const runs = levels.flatMap((level): ReportRun[] => {
      const cell = cellAt(report, spot, line === undefined ? new Map() : new Map([[line.index, level]]))
      const run = cell === undefined ? undefined : byCells.get(cell)
      return run === undefined ? [] : [{ ...run, policy: level === '' ? run.policy : level }]
    })
    if (runs.length === 0) return []
    const models = runs[0].series.models.map(({ model }) => model)
    const shown = shownModels({ title: '', subtitle: '', facts: [], models, runs })
    const policies = runs.map(({ policy }) => policy)
    const subject = Math.max(0, policies.indexOf(levels[subjectIndex(report, line)]))
    const comparison: Comparison = { policies, subject, rows: [], cautions: [] }
    const drawn = {
      label: spotLabel(report, spot),
      cdfs: comparisonCdfPlots(runs, comparison, shown),
      levels: runs.map((run) => ({
        name: run.policy,
        plots: timePlots(run, shown).filter(({ name }) => name === 'budgets' || name === 'kv'),
      })),
    }
    return [drawn]
  })
}

function byCell(estimates: readonly CellEstimate[]): ReadonlyMap<number, CellEstimate> {
  return new Map(estimates.map((estimate) => [estimate.cell, estimate]))
}
