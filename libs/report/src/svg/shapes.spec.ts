import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelLines } from './line-labels.js'
import { stepBand, stepPath } from './step-path.js'
import { fitText, textWidth } from './text-width.js'

/** Follows a path of M, H, V and Z, and says where it is at each x of its way right. */
function valuesAlong(path: string, at: readonly number[]): number[] {
  let [x, y] = [0, 0]
  const spans: { from: number; to: number; y: number }[] = []
  for (const [, verb, first, second] of path.matchAll(/([MHV])(-?[\d.]+)(?: (-?[\d.]+))?/g)) {
    if (verb === 'M') [x, y] = [Number(first), Number(second)]
    else if (verb === 'V') y = Number(first)
    else {
      spans.push({ from: x, to: Number(first), y })
      x = Number(first)
    }
  }
  return at.map(
    (position) => spans.find((span) => span.from <= position && position < span.to)?.y ?? Number.NaN,
  )
}

const values = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 40 })

describe('a step path', () => {
  it('has each value from its own position to the next', () => {
    fc.assert(
      fc.property(values, (heights) => {
        const at = heights.map((_, i) => i * 10)
        const path = stepPath(at, heights, heights.length * 10)
        expect(
          valuesAlong(
            path,
            at.map((x) => x + 5),
          ),
        ).toEqual(heights)
      }),
    )
  })

  it('writes nothing for a value that rests', () => {
    expect(stepPath([0, 10, 20, 30], [5, 5, 5, 5], 40)).toBe('M0 5H40')
  })

  it('closes an area along its lower line', () => {
    expect(stepBand([0, 10], { upper: [1, 2], lower: [5, 6] }, 20)).toBe('M0 1H10V2H20V6H10V5H0Z')
  })

  it('is empty without values', () => {
    expect([stepPath([], [], 10), stepBand([], { upper: [], lower: [] }, 10)]).toEqual(['', ''])
  })
})

describe('names of lines', () => {
  const area = { x0: 0, x1: 400, y0: 200, y1: 0 }
  const boxesOf = (lines: readonly { name: string; y: readonly number[] }[], at: readonly number[]) =>
    labelLines(
      lines.map((line) => ({ ...line, colour: 'red' })),
      at,
      area,
    ).map(({ text }) => {
      const [, x, y, name] = /x="([\d.-]+)" y="([\d.-]+)".*>(.*)<\/text>/.exec(text) ?? []
      const half = textWidth(name) / 2
      return { left: Number(x) - half, right: Number(x) + half, top: Number(y) - 9, bottom: Number(y) }
    })

  it('stand at the high point of a lonely line', () => {
    const at = Array.from({ length: 40 }, (_, i) => i * 10)
    const [box] = boxesOf([{ name: 'only', y: at.map((x) => (x === 200 ? 50 : 190)) }], at)
    expect(box.bottom).toBeLessThan(50)
    expect(box.left).toBeLessThan(200)
    expect(box.right).toBeGreaterThan(200)
  })

  it('never overlap each other and stay within the plot', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 20, max: 200 }), { minLength: 40, maxLength: 40 }), {
          maxLength: 6,
        }),
        (rows) => {
          const at = Array.from({ length: 40 }, (_, i) => i * 10)
          const boxes = boxesOf(
            rows.map((y, i) => ({ name: `line ${i}`, y })),
            at,
          )
          boxes.forEach((a, i) => {
            expect(a.left).toBeGreaterThanOrEqual(-2)
            expect(a.right).toBeLessThanOrEqual(402)
            for (const b of boxes.slice(i + 1)) {
              const isApart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
              expect(isApart).toBe(true)
            }
          })
        },
      ),
    )
  })
})

describe('text that must fit', () => {
  it('keeps its beginning and its end, where names of one family differ', () => {
    expect(fitText('arena-model-with-long-name-17/0', 120)).toMatch(/^arena.*….*17\/0$/)
  })

  it('is never wider than its room', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.integer({ min: 12, max: 300 }), (text, width) => {
        expect(textWidth(fitText(text, width))).toBeLessThanOrEqual(width)
      }),
    )
  })
})
