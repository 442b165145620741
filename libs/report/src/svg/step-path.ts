import { px } from './text-width.js'

/**
 * A piecewise constant line: `values[i]` holds from `at[i]` to `at[i + 1]`, the last one to `end`. Only changes are
 * written, so a value that rests costs nothing.
 */
export function stepPath(at: readonly number[], values: readonly number[], end: number): string {
  if (at.length === 0) return ''
  let path = `M${px(at[0])} ${px(values[0])}`
  let last = px(values[0])
  for (let i = 1; i < at.length; i++) {
    const value = px(values[i])
    if (value === last) continue
    path += `H${px(at[i])}V${value}`
    last = value
  }
  return `${path}H${px(end)}`
}

/** The area between two such lines: along the upper one and back along the lower one. */
export function stepBand(
  at: readonly number[],
  band: { readonly upper: readonly number[]; readonly lower: readonly number[] },
  end: number,
): string {
  if (at.length === 0) return ''
  let path = `${stepPath(at, band.upper, end)}V${px(band.lower[band.lower.length - 1])}`
  let last = px(band.lower[band.lower.length - 1])
  for (let i = at.length - 2; i >= 0; i--) {
    const value = px(band.lower[i])
    if (value === last) continue
    path += `H${px(at[i + 1])}V${value}`
    last = value
  }
  return `${path}H${px(at[0])}Z`
}
