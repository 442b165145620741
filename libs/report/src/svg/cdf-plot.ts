import type { CdfPoint } from '@kvasir/metrics'
import { thin } from '../down-sample.js'
import { type Markup, markup, nothing } from '../markup.js'
import { chart, emptyNote, type Scales } from './chart.js'
import { compact, type Hover, hoverArea } from './hover.js'
import { px, textWidth } from './text-width.js'
import { linearTicks, logTimeTicks, niceLogEnds, shortDuration } from './ticks.js'

export interface CdfLine {
  readonly name: string
  readonly colour: string
  readonly dash: string
  /** Times in microseconds, ascending. */
  readonly points: readonly CdfPoint[]
}

export interface CdfPlotSpec {
  readonly title: string
  readonly unit: string
  readonly width: number
  readonly height: number
  readonly lines: readonly CdfLine[]
  /** A service level objective on this time. */
  readonly limitUs?: number | undefined
}

/** More decades than this would squeeze what matters: the head is cut off and its share shown at the left edge. */
const MAX_DECADES = 5

/** Shares of requests within a time, the time on a logarithmic axis; times below its start sit on its left edge. */
export function cdfPlot(spec: CdfPlotSpec): Markup {
  const domain = domainOf(spec)
  const lines = spec.lines.map((line) => ({ ...line, points: thin(line.points) }))
  return chart(
    {
      ...spec,
      legend: lines.map(({ name, colour, dash }) => ({ name, colour, dash })),
      xAxis: { ticks: logTimeTicks(domain[0], domain[1]), title: '' },
      xDomain: domain,
      xKind: 'log',
      yTicks: linearTicks(1, 4, (value) => `${Math.round(value * 100)} %`),
      yDomain: [0, 1],
      hover: (scales) => hoverOf(domain, scales, lines),
    },
    (scales) => {
      if (lines.every((line) => line.points.length === 0))
        return emptyNote(scales.area, 'no finished requests')
      return markup`${limitLine(spec, scales)}${lines.map((line) => curve(line, scales))}`
    },
  )
}

function domainOf(spec: CdfPlotSpec): readonly [number, number] {
  const values = spec.lines.flatMap((line) => line.points.map((point) => point.value))
  const limits = spec.limitUs === undefined ? [] : [spec.limitUs]
  const positive = [...values, ...limits].filter((value) => value > 0)
  if (positive.length === 0) return [1_000, 10_000]
  const largest = positive.reduce((a, b) => Math.max(a, b))
  const smallest = Math.max(
    positive.reduce((a, b) => Math.min(a, b)),
    largest / 10 ** MAX_DECADES,
  )
  const [low, high] = niceLogEnds(smallest, largest)
  return low === high ? [low / 2, high * 2] : [low, high]
}

function curve(line: CdfLine, { area, x, y }: Scales): Markup {
  if (line.points.length === 0) return nothing
  const path = line.points.map(({ value, fraction }, i) =>
    i === 0 ? `M${x(value)} ${area.y0}V${y(fraction)}` : `H${x(value)}V${y(fraction)}`,
  )
  return markup`<path class="line" d="${path.join('')}H${area.x1}" style="stroke:${line.colour}" stroke-dasharray="${line.dash}"/>`
}

function limitLine(spec: CdfPlotSpec, { area, x }: Scales): Markup {
  if (spec.limitUs === undefined) return nothing
  const at = x(spec.limitUs)
  const label = `SLO ${shortDuration(spec.limitUs)}`
  const isRight = at + textWidth(label) + 6 < area.x1
  return markup`<path class="limit" d="M${at} ${area.y0}V${area.y1}"/><text class="unit" x="${px(isRight ? at + 4 : at - 4)}" y="${area.y0 - 6}" text-anchor="${isRight ? 'start' : 'end'}">${label}</text>`
}

function hoverOf(domain: readonly [number, number], { area, x }: Scales, lines: readonly CdfLine[]): Hover {
  return {
    kind: 'cdf',
    area: hoverArea(area),
    domain,
    lines: lines.map(({ name, colour, points }) => ({
      name,
      colour,
      at: points.map((point) => x(point.value)),
      values: points.map((point) => compact(point.fraction)),
    })),
  }
}
