import { type Markup, markup } from '../markup.js'
import type { PlotArea } from './hover.js'
import { px, textWidth } from './text-width.js'

export interface LabelledLine {
  readonly name: string
  readonly colour: string
  /** In px, downwards, one a position. */
  readonly y: readonly number[]
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

const LETTER_PX = 12
const ABOVE_PX = 4
/** Places tried along a line. */
const TRIES = 60

/**
 * The name of each line above one of its high points, where no line and no other name is in the way. A line without such a
 * place is named by the legend alone.
 */
export function labelLines(lines: readonly LabelledLine[], at: readonly number[], area: PlotArea): readonly Markup[] {
  const taken: Box[] = []
  return lines.flatMap((line) => {
    const box = placesFor(line, at).find(
      (place) =>
        place.left >= area.x0 &&
        place.right <= area.x1 &&
        place.top >= area.y1 &&
        !taken.some((other) => overlaps(place, other)) &&
        !lines.some((other) => crosses(other, at, place)),
    )
    if (box === undefined) return []
    taken.push(box)
    const centre = px((box.left + box.right) / 2)
    return [
      markup`<text class="inband" x="${centre}" y="${px(box.bottom - 2)}" text-anchor="middle" style="fill:${line.colour}">${line.name}</text>`,
    ]
  })
}

/** Boxes above the line, those over its highest points first. */
function placesFor(line: LabelledLine, at: readonly number[]): readonly Box[] {
  const half = textWidth(line.name, 11.5) / 2
  const step = Math.max(1, Math.floor(at.length / TRIES))
  const rows = at.map((_, row) => row).filter((row) => row % step === 0)
  return rows
    .sort((a, b) => line.y[a] - line.y[b])
    .map((row) => {
      const bottom = line.y[row] - ABOVE_PX
      return { left: at[row] - half, right: at[row] + half, top: bottom - LETTER_PX, bottom }
    })
}

function crosses(line: LabelledLine, at: readonly number[], box: Box): boolean {
  let last = line.y[0]
  for (let row = 0; row < at.length && at[row] <= box.right; row++) {
    const until = at[row + 1] ?? Infinity
    const value = line.y[row]
    const isInside = until >= box.left
    // The line also runs upright from the last value to this one.
    if (isInside && Math.max(value, last) >= box.top && Math.min(value, last) <= box.bottom) return true
    last = value
  }
  return false
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}
