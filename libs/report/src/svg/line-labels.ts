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
/** Bold letters are as wide as plain ones of this size. */
const BOLD_PX = 12.5
/** Room between a line and its name. */
const GAP_PX = 5

/**
 * The name of each line at one of its high points, where no line and no other name is in the way. A line without such a
 * place is named by the legend alone.
 */
export function labelLines(
  lines: readonly LabelledLine[],
  at: readonly number[],
  area: PlotArea,
): readonly Markup[] {
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

/** Boxes above, right and left of each point of the line, its highest points first. */
function placesFor(line: LabelledLine, at: readonly number[]): readonly Box[] {
  const width = textWidth(line.name, BOLD_PX)
  const rows = at.map((_, row) => row).sort((a, b) => line.y[a] - line.y[b])
  return rows.flatMap((row) => {
    const [x, y] = [at[row], line.y[row]]
    const above = {
      left: x - width / 2,
      right: x + width / 2,
      top: y - GAP_PX - LETTER_PX,
      bottom: y - GAP_PX,
    }
    const beside = { top: y - 2, bottom: y - 2 + LETTER_PX }
    const next = at[row + 1] ?? x
    return [
      above,
      { ...beside, left: next + GAP_PX, right: next + GAP_PX + width },
      { ...beside, left: x - GAP_PX - width, right: x - GAP_PX },
    ]
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
