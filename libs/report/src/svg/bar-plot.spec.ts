import { describe, expect, it } from 'vitest'
import { barPlot } from './bar-plot.js'

function bar(name: string, value: number | null, label = String(value)) {
  return { name, colour: 'red', value, min: value ?? 0, max: value ?? 0, label, isBest: false }
}

function numbersOf(svg: string, attribute: string): readonly number[] {
  return [...svg.matchAll(new RegExp(`<rect[^>]* ${attribute}="([-\\d.]+)"`, 'g'))].map(([, text]) =>
    Number(text),
  )
}

describe('bars', () => {
  it('end at one place where values are below 0, and begin there where they are above', () => {
    const { text } = barPlot({ title: 't', unit: '', width: 300, bars: [bar('a', -40), bar('b', 10)] })
    const [from, to] = numbersOf(text, 'x')
    const [width] = numbersOf(text, 'width')
    expect(from + width).toBeCloseTo(to, 0)
    expect(from).toBeGreaterThan(8)
  })

  it('are thin lines beside their names where all are 0 or there is none', () => {
    for (const bars of [[bar('a', 0), bar('b', 0)], [bar('a', null)]]) {
      const { text } = barPlot({ title: 't', unit: '', width: 300, bars })
      expect(text).not.toMatch(/NaN|Infinity/)
      expect(numbersOf(text, 'width').every((width) => width === 1)).toBe(true)
    }
  })

  it('keep the title whole, with what the values are in below it where both do not fit', () => {
    const spec = { title: 'assistant TTFT p99', width: 346, bars: [bar('coordinator', 1)] }
    const short = barPlot({ ...spec, unit: 'lower is better' }).text
    const long = barPlot({
      ...spec,
      unit: 'flood prompts, load 1.0, dispatch round-robin, lower is better',
    }).text
    for (const text of [short, long]) {
      expect(text).toContain('>assistant TTFT p99<')
      expect(text).toContain('>coordinator<')
    }
    expect(long).toContain('round-robin, lower is better</text>')
  })
})
