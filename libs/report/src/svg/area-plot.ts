import { type Markup, markup, nothing } from '../markup.js'
import { chart, emptyNote, type Scales } from './chart.js'
import { compact, type Hover, hoverArea } from './hover.js'
import { stepBand, stepPath } from './step-path.js'
import { px, textWidth } from './text-width.js'
import { linearTicks, plain, timeAxis } from './ticks.js'

export interface AreaLayer {
  readonly name: string
  readonly colour: string
  readonly values: readonly number[]
  /** The part of each value that is really used: drawn strongly within a pale band. */
  readonly used?: readonly number[]
}

export interface AreaPlotSpec {
  readonly title: string
  readonly unit: string
  readonly width: number
  readonly height: number
  readonly timeUs: readonly number[]
  readonly endUs: number
  /** From the bottom up. */
  readonly layers: readonly AreaLayer[]
  /** `share`: each moment adds up to the whole, and moments without any value stay empty. */
  readonly stack: 'share' | 'amount'
  /** A line that the stack cannot pass, such as the size of a pool. */
  readonly limit?: { readonly name: string; readonly value: number }
}

const INBAND_PX = 14

/** Layers stacked over time, stepwise. */
export function areaPlot(spec: AreaPlotSpec): Markup {
  const layers = spec.stack === 'share' ? toShares(spec.layers) : spec.layers
  const totals = spec.timeUs.map((_, row) => layers.reduce((sum, layer) => sum + layer.values[row], 0))
  const top = spec.stack === 'share' ? 1 : Math.max(0, spec.limit?.value ?? 0, ...totals)
  const yTicks =
    spec.stack === 'share'
      ? linearTicks(1, 4, (value) => `${Math.round(value * 100)} %`)
      : linearTicks(top, 5, plain)
  return chart(
    {
      ...spec,
      legend: [...layers].map(({ name, colour }) => ({ name, colour })),
      xAxis: timeAxis(spec.endUs, Math.max(3, Math.floor(spec.width / 70))),
      xDomain: [spec.timeUs[0] ?? 0, Math.max(spec.endUs, (spec.timeUs[0] ?? 0) + 1)],
      xKind: 'linear',
      yTicks,
      yDomain: [0, yTicks[yTicks.length - 1].value],
      hover: (scales) => hoverOf(spec, scales, layers),
    },
    (scales) => {
      if (totals.every((total) => total === 0)) return emptyNote(scales.area, 'nothing at any time')
      return markup`${bands(spec, scales, layers)}${limitLine(spec, scales)}`
    },
  )
}

function toShares(layers: readonly AreaLayer[]): readonly AreaLayer[] {
  const total = (row: number) => layers.reduce((sum, layer) => sum + layer.values[row], 0)
  return layers.map(({ name, colour, values }) => ({
    name,
    colour,
    values: values.map((value, row) => (total(row) > 0 ? value / total(row) : 0)),
  }))
}

function bands(spec: AreaPlotSpec, scales: Scales, layers: readonly AreaLayer[]): Markup {
  const at = spec.timeUs.map(scales.x)
  const end = scales.x(spec.endUs)
  let base = spec.timeUs.map(() => 0)
  const areas: Markup[] = []
  const names: Markup[] = []
  for (const layer of layers) {
    const from = base
    const to = from.map((value, row) => value + layer.values[row])
    const lower = from.map(scales.y)
    const upper = to.map(scales.y)
    const opacity = layer.used === undefined ? 0.82 : 0.28
    areas.push(
      markup`<path d="${stepBand(at, { upper, lower }, end)}" style="fill:${layer.colour};fill-opacity:${opacity}"/>`,
    )
    if (layer.used !== undefined) {
      const used = layer.used.map((value, row) => scales.y(from[row] + Math.min(value, layer.values[row])))
      areas.push(
        markup`<path d="${stepBand(at, { upper: used, lower }, end)}" style="fill:${layer.colour};fill-opacity:.8"/>`,
      )
    }
    areas.push(
      markup`<path class="line" d="${stepPath(at, upper, end)}" style="stroke:var(--card);stroke-width:.8"/>`,
    )
    names.push(nameInBand(layer.name, at, end, { upper, lower }))
    base = to
  }
  return markup`${areas}${names}`
}

/** The name where its band is thick enough for its whole length, as far right of the middle as left; or nowhere. */
function nameInBand(
  name: string,
  at: readonly number[],
  end: number,
  band: { readonly upper: readonly number[]; readonly lower: readonly number[] },
): Markup {
  const needs = textWidth(name) + 10
  let best = { thickness: INBAND_PX, centre: 0, y: 0 }
  for (let first = 0; first < at.length; first++) {
    let upper = -Infinity
    let lower = Infinity
    for (let row = first; row < at.length; row++) {
      upper = Math.max(upper, band.upper[row])
      lower = Math.min(lower, band.lower[row])
      if (lower - upper <= best.thickness) break
      const until = at[row + 1] ?? end
      if (until - at[first] < needs) continue
      best = { thickness: lower - upper, centre: (at[first] + until) / 2, y: (upper + lower) / 2 }
      break
    }
  }
  if (best.centre === 0) return nothing
  return markup`<text class="inband" x="${px(best.centre)}" y="${px(best.y + 4)}" text-anchor="middle">${name}</text>`
}

function limitLine(spec: AreaPlotSpec, { area, y }: Scales): Markup {
  if (spec.limit === undefined) return nothing
  const at = y(spec.limit.value)
  return markup`<path class="limit" d="M${area.x0} ${at}H${area.x1}"/><text class="unit" x="${area.x1 - 2}" y="${px(at - 4)}" text-anchor="end">${spec.limit.name}</text>`
}

function hoverOf(spec: AreaPlotSpec, { area, x }: Scales, layers: readonly AreaLayer[]): Hover {
  return {
    kind: 'time',
    area: hoverArea(area),
    startUs: spec.timeUs[0] ?? 0,
    endUs: spec.endUs,
    unit: spec.stack === 'share' ? 'share' : 'number',
    at: spec.timeUs.map(x),
    lines: layers.map(({ name, colour, values, used }) => ({
      name,
      colour,
      values: values.map(compact),
      ...(used === undefined ? {} : { used: used.map(compact) }),
    })),
  }
}
