import { type Markup, markup, nothing } from '../markup.js'
import type { Hover, PlotArea } from './hover.js'
import { fitText, px, textWidth } from './text-width.js'
import { type Axis, type Tick, withoutOverlap } from './ticks.js'

/** From values to px. */
export interface Scales {
  readonly area: PlotArea
  x(value: number): number
  y(value: number): number
}

export interface LegendEntry {
  readonly name: string
  readonly colour: string
  /** Dash pattern of a line; absent for an area, which gets a square. */
  readonly dash?: string
}

export interface ChartSpec {
  readonly title: string
  /** Behind the title, muted: what the values are in. */
  readonly unit: string
  readonly width: number
  readonly height: number
  readonly legend: readonly LegendEntry[]
  readonly xAxis: Axis
  /** Both ends; `log` needs them above 0. */
  readonly xDomain: readonly [number, number]
  readonly xKind: 'linear' | 'log'
  readonly yTicks: readonly Tick[]
  readonly yDomain: readonly [number, number]
  readonly hover?: (scales: Scales) => Hover
}

const TITLE_PX = 24
const LEGEND_ROW_PX = 18
const USUAL_LEGEND_ROWS = 2
const SWATCH_PX = 18
const RIGHT_PX = 14
/** Below the plot: tick labels, and the axis title where there is one. */
const TICKS_PX = 22
const AXIS_TITLE_PX = 13

/** The common part of all plots over an x axis: title, legend, axes and grid around what `body` draws. */
export function chart(spec: ChartSpec, body: (scales: Scales) => Markup): Markup {
  const rows = legendRows(spec.legend, spec.width - RIGHT_PX)
  // A long legend makes the drawing higher, not the plot lower.
  const height = spec.height + Math.max(0, rows.length - USUAL_LEGEND_ROWS) * LEGEND_ROW_PX
  const widest = Math.max(...spec.yTicks.map((tick) => textWidth(tick.label)))
  const area = {
    x0: Math.ceil(widest) + 10,
    x1: spec.width - RIGHT_PX,
    y0: height - TICKS_PX - (spec.xAxis.title === '' ? 0 : AXIS_TITLE_PX),
    y1: TITLE_PX + rows.length * LEGEND_ROW_PX + 6,
  }
  const scales = scalesOf(spec, area)
  return drawing(
    { ...spec, height },
    markup`${titleLine(spec)}${rows.map((row, i) => legendRow(row, TITLE_PX + i * LEGEND_ROW_PX))}${yGrid(spec, scales)}${xGrid(spec, scales)}${body(scales)}`,
    spec.hover?.(scales),
  )
}

/** An `svg` element of the given size with the plot's name for those who cannot see it. */
export function drawing(
  spec: { readonly title: string; readonly unit: string; readonly width: number; readonly height: number },
  content: Markup,
  hover?: Hover,
): Markup {
  const data = hover === undefined ? nothing : markup` data-hover="${JSON.stringify(hover)}"`
  const size = `0 0 ${spec.width} ${spec.height}`
  const label = spec.unit === '' ? spec.title : `${spec.title} (${spec.unit})`
  return markup`<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="${size}" role="img" aria-label="${label}"${data}>${content}</svg>`
}

export function titleLine(spec: {
  readonly title: string
  readonly unit: string
  readonly width: number
}): Markup {
  const unitWidth = spec.unit === '' ? 0 : textWidth(spec.unit) + 8
  const title = fitText(spec.title, spec.width - unitWidth - 16, 14)
  const unit =
    spec.unit === ''
      ? nothing
      : markup`<tspan class="unit" dx="8" font-size="11" font-weight="400">${spec.unit}</tspan>`
  return markup`<text class="title" x="2" y="15">${title}${unit}</text>`
}

/** Placed in the middle of an area that has nothing to show. */
export function emptyNote(area: PlotArea, text: string): Markup {
  return markup`<text class="empty" x="${px((area.x0 + area.x1) / 2)}" y="${px((area.y0 + area.y1) / 2)}" text-anchor="middle">${text}</text>`
}

function scalesOf(spec: ChartSpec, area: PlotArea): Scales {
  const along = (domain: readonly [number, number], value: number) =>
    (value - domain[0]) / (domain[1] - domain[0])
  const [low, high] = spec.xDomain
  const logs: readonly [number, number] = [Math.log(low), Math.log(high)]
  return {
    area,
    x: (value) => {
      const share =
        spec.xKind === 'log'
          ? along(logs, Math.log(Math.min(high, Math.max(low, value))))
          : along(spec.xDomain, value)
      return px(area.x0 + share * (area.x1 - area.x0))
    },
    y: (value) => px(area.y0 + along(spec.yDomain, value) * (area.y1 - area.y0)),
  }
}

function yGrid(spec: ChartSpec, { area, y }: Scales): Markup {
  const lines = spec.yTicks.map((tick) => `M${area.x0} ${y(tick.value)}H${area.x1}`).join('')
  const labels = spec.yTicks.map(
    (tick) =>
      markup`<text class="tick" x="${area.x0 - 6}" y="${px(y(tick.value) + 3.5)}" text-anchor="end">${tick.label}</text>`,
  )
  return markup`<path class="grid" d="${lines}"/>${labels}`
}

function xGrid(spec: ChartSpec, { area, x }: Scales): Markup {
  const titleWidth = textWidth(spec.xAxis.title)
  const visible = spec.xAxis.ticks.filter(
    (tick) => tick.value >= spec.xDomain[0] && tick.value <= spec.xDomain[1],
  )
  const ticks = withoutOverlap(
    visible,
    (tick) => x(tick.value),
    (tick) => textWidth(tick.label),
  )
  const marks = ticks.map((tick) => `M${x(tick.value)} ${area.y0}v4`).join('')
  const labels = ticks.map((tick) => {
    const half = textWidth(tick.label) / 2
    const centre = px(Math.min(x(tick.value), spec.width - half))
    return tick.label === ''
      ? nothing
      : markup`<text class="tick" x="${centre}" y="${area.y0 + 15}" text-anchor="middle">${tick.label}</text>`
  })
  const title =
    titleWidth === 0
      ? nothing
      : markup`<text class="axis" x="${area.x1}" y="${area.y0 + 29}" text-anchor="end">${spec.xAxis.title}</text>`
  return markup`<path class="base" d="M${area.x0} ${area.y0}H${area.x1}${marks}"/>${labels}${title}`
}

interface PlacedEntry extends LegendEntry {
  readonly x: number
}

/** Entries in as many rows as their names need. */
function legendRows(legend: readonly LegendEntry[], width: number): readonly (readonly PlacedEntry[])[] {
  const rows: PlacedEntry[][] = []
  let x = Infinity
  for (const entry of legend) {
    const name = fitText(entry.name, width - SWATCH_PX)
    const needs = SWATCH_PX + textWidth(name) + 14
    if (x + needs - 14 > width) {
      rows.push([])
      x = 2
    }
    rows.at(-1)?.push({ ...entry, name, x })
    x += needs
  }
  return rows
}

function legendRow(row: readonly PlacedEntry[], y: number): readonly Markup[] {
  return row.map(
    (entry) =>
      markup`${swatch(entry, y)}<text x="${px(entry.x + SWATCH_PX)}" y="${y + 12}">${entry.name}</text>`,
  )
}

function swatch(entry: PlacedEntry, y: number): Markup {
  if (entry.dash === undefined) {
    return markup`<rect x="${px(entry.x)}" y="${y + 3}" width="11" height="11" rx="2.5" style="fill:${entry.colour}"/>`
  }
  return markup`<path class="line" d="M${px(entry.x)} ${y + 8.5}h14" style="stroke:${entry.colour};stroke-width:2.4" stroke-dasharray="${entry.dash}"/>`
}
