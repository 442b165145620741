/** Where data is drawn, in px of the drawing; `y0` is the lower end. */
export interface PlotArea {
  readonly x0: number
  readonly x1: number
  readonly y0: number
  readonly y1: number
}

/** Left, top, right, bottom. */
export type HoverArea = readonly [number, number, number, number]

/**
 * What a plot carries for the page's script (`html/script.ts`), which shows the values under the pointer. Positions are px
 * of the drawing, values have the three digits that are shown.
 */
export type Hover =
  | {
      readonly kind: 'time'
      readonly area: HoverArea
      readonly startUs: number
      readonly endUs: number
      readonly unit: 'share' | 'number'
      /** Where each row begins. */
      readonly at: readonly number[]
      readonly lines: readonly {
        readonly name: string
        readonly colour: string
        readonly values: readonly number[]
        readonly used?: readonly number[]
      }[]
    }
  | {
      readonly kind: 'cdf'
      readonly area: HoverArea
      /** Microseconds at both ends of the logarithmic axis. */
      readonly domain: readonly [number, number]
      readonly lines: readonly {
        readonly name: string
        readonly colour: string
        readonly at: readonly number[]
        readonly values: readonly number[]
      }[]
    }

export function hoverArea(area: PlotArea): HoverArea {
  return [area.x0, area.y1, area.x1, area.y0]
}

export function compact(value: number): number {
  return Number(value.toPrecision(3))
}
