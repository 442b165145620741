import { type Markup, markup, nothing } from '../markup.js'
import { chart, emptyNote, type Scales } from './chart.js'
import { linearTicks, niceLogEnds, plain, type Tick } from './ticks.js'

/** A measured point with what is known of its spread. */
export interface XyPoint {
  readonly x: number
  readonly y: number
  readonly yRange: { readonly low: number; readonly high: number } | null
}

export interface XyLine {
  readonly name: string
  readonly colour: string
  readonly dash: string
  /** Its points are not joined. */
  readonly isScattered?: boolean
  /** In the order in which they are joined. */
  readonly points: readonly XyPoint[]
}

export interface XyPlotSpec {
  readonly title: string
  readonly unit: string
  readonly width: number
  readonly height: number
  readonly xTitle: string
  /** Where the x axis has labels; its ends are those of the data. */
  readonly xTicks: readonly Tick[]
  readonly lines: readonly XyLine[]
  readonly write: (y: number) => string
}

/** From here on a linear axis would show the smallest values as zero. */
const LOG_FROM_RATIO = 60
const Y_TICKS = 5

/** Lines over numbers, each point with its interval; upwards from 0, or logarithmic where values are far apart. */
export function xyPlot(spec: XyPlotSpec): Markup {
  const points = spec.lines.flatMap((line) => line.points)
  const xs = [...points.map(({ x }) => x), ...spec.xTicks.map(({ value }) => value)]
  const axis = yAxis(spec, points)
  const low = Math.min(...xs)
  const high = Math.max(...xs)
  const margin = high > low ? (high - low) * 0.04 : 0.5
  return chart(
    {
      ...spec,
      legend: spec.lines.map(({ name, colour, dash }) => ({ name, colour, dash })),
      xAxis: { ticks: spec.xTicks, title: spec.xTitle },
      xDomain: points.length === 0 ? [0, 1] : [low - margin, high + margin],
      xKind: 'linear',
      yTicks: axis.ticks,
      yDomain: axis.domain,
    },
    (scales) =>
      points.length === 0
        ? emptyNote(scales.area, 'no runs')
        : markup`${spec.lines.map((line) => drawLine(line, scales, axis.scale))}`,
  )
}

interface YAxis {
  readonly ticks: readonly Tick[]
  readonly domain: readonly [number, number]
  readonly scale: (value: number) => number
}

function yAxis({ write }: XyPlotSpec, points: readonly XyPoint[]): YAxis {
  const values = points.flatMap(({ y, yRange }) => (yRange === null ? [y] : [y, yRange.low, yRange.high]))
  const largest = Math.max(0, ...values)
  const positive = values.filter((value) => value > 0)
  const smallest = Math.min(...positive)
  if (positive.length === values.length && positive.length > 0 && largest / smallest > LOG_FROM_RATIO)
    return logAxis(smallest, largest, write)
  const ticks = linearTicks(largest, Y_TICKS, write)
  return { ticks, domain: [Math.min(0, ...values), ticks[ticks.length - 1].value], scale: (value) => value }
}

function logAxis(smallest: number, largest: number, write: (y: number) => string): YAxis {
  const [low, high] = niceLogEnds(smallest, largest)
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(low)) + i),
  )
  const ticks = powers
    .filter((power) => power >= low * 0.999 && power <= high * 1.001)
    .map((power) => ({ value: Math.log10(power), label: write(power) }))
  return {
    ticks,
    domain: [Math.log10(low), Math.log10(high)],
    scale: (value) => Math.log10(Math.max(value, low)),
  }
}

function drawLine(line: XyLine, { x, y }: Scales, scale: YAxis['scale']): Markup {
  const at = line.points.map((point) => ({
    x: x(point.x),
    y: y(scale(point.y)),
    range: point.yRange && { low: y(scale(point.yRange.low)), high: y(scale(point.yRange.high)) },
  }))
  const path = line.isScattered
    ? ''
    : at.map((point, i) => `${i === 0 ? 'M' : 'L'}${point.x} ${point.y}`).join('')
  const whiskers = at.map((point) =>
    point.range === null || point.range.low === point.range.high
      ? ''
      : `M${point.x} ${point.range.low}V${point.range.high}M${point.x - 3} ${point.range.low}h6M${point.x - 3} ${point.range.high}h6`,
  )
  const dots = at.map(
    (point) => markup`<circle cx="${point.x}" cy="${point.y}" r="2.6" style="fill:${line.colour}"/>`,
  )
  const spread = whiskers.join('')
  return markup`<path class="line" d="${path}" style="stroke:${line.colour}" stroke-dasharray="${line.dash}"/>${spread === '' ? nothing : markup`<path class="line" d="${spread}" style="stroke:${line.colour};stroke-width:1;stroke-opacity:.7"/>`}${dots}`
}

/** Ticks for numbers between two ends, about `count` of them. */
export function rangeTicks(low: number, high: number, count: number): readonly Tick[] {
  if (high <= low) return [{ value: low, label: plain(low) }]
  const [, { value: step }] = linearTicks(high - low, count)
  const first = Math.ceil(low / step - 1e-9)
  const length = Math.max(1, Math.floor(high / step + 1e-9) - first + 1)
  return Array.from({ length }, (_, i) => ({ value: (first + i) * step, label: plain((first + i) * step) }))
}
