import { type Markup, markup } from '../markup.js'
import { chart, emptyNote } from './chart.js'
import { compact, hoverArea } from './hover.js'
import { labelLines } from './line-labels.js'
import { stepPath } from './step-path.js'
import { linearTicks, timeAxis, wholeTicks } from './ticks.js'

export interface PlotLine {
  readonly name: string
  readonly colour: string
  readonly values: readonly number[]
}

export interface LinePlotSpec {
  readonly title: string
  readonly unit: string
  readonly width: number
  readonly height: number
  readonly timeUs: readonly number[]
  readonly endUs: number
  readonly lines: readonly PlotLine[]
  /** `share`: 0 to 100 %, always the whole range. */
  readonly scale: 'share' | 'whole'
}

/** Stepwise lines over time. */
export function linePlot(spec: LinePlotSpec): Markup {
  const largest = spec.lines.reduce((max, line) => Math.max(max, ...line.values), 0)
  const yTicks =
    spec.scale === 'share'
      ? linearTicks(1, 4, (value) => `${Math.round(value * 100)} %`)
      : wholeTicks(largest, 5)
  const start = spec.timeUs[0] ?? 0
  return chart(
    {
      ...spec,
      legend: spec.lines.map(({ name, colour }) => ({ name, colour, dash: '' })),
      xAxis: timeAxis(spec.endUs, Math.max(3, Math.floor(spec.width / 70))),
      xDomain: [start, Math.max(spec.endUs, start + 1)],
      xKind: 'linear',
      yTicks,
      yDomain: [0, yTicks[yTicks.length - 1].value],
      hover: ({ area, x }) => ({
        kind: 'time',
        area: hoverArea(area),
        startUs: start,
        endUs: spec.endUs,
        unit: spec.scale === 'share' ? 'share' : 'number',
        at: spec.timeUs.map(x),
        lines: spec.lines.map(({ name, colour, values }) => ({ name, colour, values: values.map(compact) })),
      }),
    },
    ({ area, x, y }) => {
      if (spec.timeUs.length === 0) return emptyNote(area, 'nothing was recorded')
      const at = spec.timeUs.map(x)
      const end = x(spec.endUs)
      const lines = spec.lines.map((line) => ({ ...line, y: line.values.map(y) }))
      const paths = lines.map(
        (line) => markup`<path class="line" d="${stepPath(at, line.y, end)}" style="stroke:${line.colour}"/>`,
      )
      return markup`${paths}${labelLines(lines, at, area)}`
    },
  )
}
