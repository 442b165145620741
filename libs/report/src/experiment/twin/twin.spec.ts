import { compareTwins, judgeTwins, type Quiet, type TwinRequest, type TwinSide } from '@kvasir/experiment'
import { describe, expect, it } from 'vitest'
import { renderTwinHtml, renderTwinMarkdown } from './render-twin.js'
import { twinAnswer } from './twin-answer.js'
import type { TwinReport, TwinRun } from './twin-report.js'
import { latencyTable, outcomeTable, pathTable, twinTables } from './twin-tables.js'

const quiet: Quiet = {
  lagUs: { p50: 100, p90: 300, max: 900 },
  idleLagUs: { p50: 50, p90: 200, max: 500 },
  cpuPressure: 0.01,
  speed: 0.5,
}

function side(slower: number, model = 'm'): TwinSide {
  const requests = Array.from({ length: 40 }, (_, i): TwinRequest => {
    const ttftUs = (50_000 + 25 * i) * slower
    const end = {
      kind: 'finished',
      ttftUs,
      e2eUs: ttftUs + 100_000 * slower,
      tokens: 11,
      received: 11,
    } as const
    return { id: `r${i}`, model, promptTokens: 100, outputTokens: 11, engine: 'e0', end }
  })
  return { requests, decisions: [] }
}

function run({ slower = 1.02, model = 'm' } = {}): TwinRun {
  const sides = {
    live: side(slower, model),
    simulated: side(1, model),
    bare: side(0.8, model),
    varied: [side(0.99, model), side(1.01, model)],
  }
  const comparison = compareTwins(sides, new Map([[model, { ttftUs: 200_000 }]]))
  return {
    label: '',
    sides,
    comparison,
    verdict: judgeTwins(comparison, quiet),
    costs: [
      {
        model,
        stepUs: 600,
        wayUs: 450,
        sequenceUs: 20,
        frontEndUs: 2_000,
        gatewayUs: 750,
        requests: 12,
        spread: { stepUs: 40, wayUs: 25, frontEndUs: 300 },
      },
    ],
    quiet,
    takenAgain: 0,
    sentLateUs: 700,
    load: [0.4, 2],
  }
}

function report(runs: readonly TwinRun[]): TwinReport {
  return {
    name: 'twin',
    question: 'Alike?',
    runs,
    facts: [{ label: 'seeds', value: '1' }],
    command: 'kvasir',
  }
}

describe('the report of a live twin', () => {
  it('says within how much both sides agree, and what was done alike', () => {
    const [verdict, ends, , machine] = twinAnswer(run())
    expect(verdict).toMatch(/agree: medians are within 2\.0 %.*p90 within 1\.0 % of the range/)
    expect(ends).toBe(
      'Of 40 requests 40 ended alike with equally many tokens, 40 on the same replica; no token was lost or doubled.',
    )
    expect(machine).toContain('In 0.500 of the modelled speed, at load 0.4 on 2 cores')
  })

  it('names the latency that is furthest off, and does not judge a busy machine', () => {
    expect(twinAnswer(run({ slower: 1.2 }))[0]).toMatch(/differ by more than 5\.0 %.*of m: .* live/)
    const busy = {
      ...run(),
      verdict: {
        kind: 'not_judged',
        because: { kind: 'lag', lagUs: 9_000, grainUs: 700, mostUs: 1_000 },
      } as const,
    }
    expect(twinAnswer(busy)[0]).toMatch(/^Not judged: .*9\.00 ms late.*700 µs.*1\.00 ms/)
  })

  it('splits a latency into arithmetic, the path and what is left', () => {
    const { header, rows } = latencyTable(run())
    expect(header.slice(-3)).toEqual(['arithmetic', 'the path’s', 'left'])
    expect(rows).toHaveLength(9)
    expect(rows[0]).toEqual([
      'm TTFT p50',
      '51.5 ms',
      '50.5 ms',
      '+2.0 %',
      '50.0 ms to 51.0 ms',
      '+1.0 %',
      '40.4 ms',
      '+10.1 ms',
      '+1.01 ms',
    ])
  })

  it('shows measured costs in real time, whatever the motion', () => {
    expect(pathTable(run()).rows).toEqual([
      [
        'm',
        '1.20 ms',
        '0.900 ms',
        '0.300 ms',
        '0.0400 ms',
        '4.00 ms',
        '1.50 ms',
        '0.0800, 0.0500 and 0.600 ms',
        '12',
      ],
    ])
    expect(outcomeTable(run()).rows[0].slice(0, 4)).toEqual(['m', '40', '40', '40'])
  })

  it('has every table in Markdown and HTML, and takes no name for markup', () => {
    const hostile = report([run({ model: '<script>|x' }), { ...run(), label: 'seed 2' }])
    const markdown = renderTwinMarkdown(hostile)
    const html = renderTwinHtml(hostile)
    for (const { caption } of twinTables(run())) expect(markdown).toContain(`${caption}:`)
    expect(markdown).toContain('\\<script\\>\\|x TTFT p50')
    expect(html).not.toContain('<script>|x')
    expect(html).toContain('&lt;script&gt;|x')
    expect(html.match(/<svg/g)).toHaveLength(6)
    expect(html).toContain('seed 2')
    expect(renderTwinHtml(hostile)).toBe(html)
  })
})
