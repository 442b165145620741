import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextLines } from './text-lines.js'

function linesOf(chunks: readonly string[]): readonly [line: number, text: string][] {
  const lines = new TextLines()
  const found: [number, string][] = []
  const drain = () => {
    while (lines.next()) found.push([lines.line, lines.text.slice(lines.start, lines.end)])
  }
  for (const chunk of chunks) {
    lines.feed(chunk)
    drain()
  }
  lines.finish()
  drain()
  return found
}

describe('TextLines', () => {
  it('numbers lines across CR LF, blank lines and a missing last line end', () => {
    expect(linesOf(['a\r\n\r\n  \nb\nc'])).toEqual([
      [1, 'a'],
      [4, 'b'],
      [5, 'c'],
    ])
  })

  it('drops a byte order mark, also one that comes as a chunk of its own', () => {
    expect(linesOf(['\uFEFFa\n'])).toEqual([[1, 'a']])
    expect(linesOf(['', '\uFEFF', 'a\n'])).toEqual([[1, 'a']])
  })

  it('answers nothing for empty input', () => {
    expect(linesOf([])).toEqual([])
    expect(linesOf(['', '\n', '\r\n'])).toEqual([])
  })

  it('finds the same lines however the text is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', ' ', 'd,e')).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (whole, cuts) => {
        const sorted = [...new Set(cuts.filter((cut) => cut < whole.length))].sort((a, b) => a - b)
        const chunks = [0, ...sorted].map((cut, i) => whole.slice(cut, sorted[i] ?? whole.length))
        expect(linesOf(chunks)).toEqual(linesOf([whole]))
      }),
    )
  })

  it('holds no more text than the line that is still open', () => {
    const lines = new TextLines()
    for (let i = 0; i < 1_000; i++) {
      lines.feed('x'.repeat(50) + '\n' + 'y')
      while (lines.next()) expect(lines.end - lines.start).toBeGreaterThan(0)
      expect(lines.text.length).toBeLessThan(60)
    }
  })
})
