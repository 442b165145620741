import {
  type DomainAxisSpec,
  type FactorValue,
  levelName,
  type OrderedAxisSpec,
  type Settings,
} from '@kvasir/contracts'
import type { Rng } from '@kvasir/kernel'

/** One setting of one axis: what tables call it, and what it sets. */
export interface AxisSetting {
  readonly level: string
  readonly set: Settings
}

type Axis = Pick<OrderedAxisSpec, 'name' | 'path' | 'each' | 'from' | 'to'>

/** How many settings an axis has. */
export function settingsCount({ values, from = 0, to = 0, step = 1, tolerance }: OrderedAxisSpec): number {
  if (values !== undefined) return values.length
  return (
    1 + (tolerance === undefined ? Math.floor((to - from) / step + ROUNDING) : growths(from, to, tolerance))
  )
}

/** From the smallest, 0, to the largest. */
export function settingAt(axis: OrderedAxisSpec, index: number): AxisSetting {
  const { values, from = 0, to = 0, step = 1, tolerance } = axis
  if (values !== undefined) return listed(axis, values[index])
  if (tolerance === undefined) return numbered(axis, rounded(from + index * step))
  // Both ends are there, and no setting is larger than the one before by more than the tolerance.
  return numbered(axis, short(from * (to / from) ** (index / growths(from, to, tolerance))))
}

/** One setting by chance. */
export function drawSetting(axis: DomainAxisSpec, rng: Rng): AxisSetting {
  const { choices, from = 0, to = 0, scale, whole } = axis
  if (choices !== undefined) return listed(axis, choices[rng.int(choices.length)])
  // Half a step beyond either end, so that the ends are as likely as the others when numbers are whole.
  const [low, high] = whole ? [Math.ceil(from) - 0.5, Math.floor(to) + 0.5] : [from, to]
  const share = rng.uniform()
  const value = scale === 'log' ? low * (high / low) ** share : low + share * (high - low)
  return numbered(
    axis,
    whole ? Math.min(Math.floor(to), Math.max(Math.ceil(from), Math.round(value))) : short(value),
  )
}

/** Settings of an axis that show whether all of it can be: each that is listed, or the ends. */
export function tellingSettings(axis: OrderedAxisSpec | DomainAxisSpec): readonly AxisSetting[] {
  const list = 'choices' in axis ? axis.choices : 'values' in axis ? axis.values : undefined
  if (list !== undefined) return list.map((value) => listed(axis, value))
  return [axis.from ?? 0, axis.to ?? 0].map((value) => numbered(axis, value))
}

/** Against sums such as 0.1 + 0.2. */
const ROUNDING = 1e-9

function growths(from: number, to: number, tolerance: number): number {
  return Math.max(1, Math.ceil(Math.log(to / from) / Math.log1p(tolerance) - ROUNDING))
}

function listed({ name, path }: Pick<Axis, 'name' | 'path'>, value: FactorValue): AxisSetting {
  const set = typeof value === 'object' && 'set' in value ? value.set : { [path ?? name]: value }
  return { level: levelName(value), set }
}

function numbered({ name, path, each }: Axis, value: number): AxisSetting {
  const set =
    each === undefined
      ? { [path ?? name]: value }
      : Object.fromEntries(Object.entries(each).map(([at, factor]) => [at, rounded(value * factor)]))
  return { level: String(value), set }
}

function rounded(value: number): number {
  return Number(value.toPrecision(12))
}

/** As many digits as a table has room for; the run is of the number that the table says. */
function short(value: number): number {
  return Number(value.toPrecision(5))
}
