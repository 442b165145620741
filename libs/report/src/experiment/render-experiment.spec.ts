import { type ExperimentSpecInput, parseExperiment } from '@kvasir/contracts'
import {
  answerSentences,
  estimateCells,
  judgeComparisons,
  metricsOf,
  type PlannedRun,
  planExperiment,
  type RunResult,
} from '@kvasir/experiment'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { sampleReport } from '../testing/sample-report.js'
import { estimateTable, verdictTable } from './experiment-tables.js'
import type { ExperimentReport } from './model.js'
import { renderExperimentHtml } from './render-experiment-html.js'
import { renderExperimentMarkdown } from './render-experiment-markdown.js'

const spec: ExperimentSpecInput = {
  name: 'sample',
  question: 'Is <b>sharing</b> better | than a partition?',
  base: {
    name: 'base',
    durationS: 10,
    models: [{ name: 'chat', architecture: 'Llama-3.1-8B' }],
    workload: {
      generators: [
        {
          model: 'chat',
          arrivals: { kind: 'poisson', ratePerS: 4 },
          lengths: { prompt: { kind: 'fixed', tokens: 100 }, output: { kind: 'fixed', tokens: 10 } },
        },
      ],
    },
  },
  factors: [
    { name: 'policy', values: ['static', 'weighted-max-min'] },
    { name: 'load', path: 'workload.rateScale', values: [0.5, 1, 1.3] },
  ],
  seeds: { first: 1, count: 6 },
  metrics: [
    { name: 'goodput', path: 'goodputPerS', better: 'higher' },
    { name: 'TTFT p99', path: 'ttftUs.p99', better: 'lower' },
  ],
  comparisons: [{ factor: 'policy', subject: 'weighted-max-min' }],
}

/** Made-up results of a specification: sharing is better above half load. */
function report(change: Partial<ExperimentSpecInput> = {}): ExperimentReport {
  const parsed = parseExperiment({ ...spec, ...change })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  const planning = planExperiment({ spec: parsed.value, base: parsed.value.base })
  if (planning.kind === 'refused') throw new Error(planning.problems.join('\n'))
  const plan = planning.value
  const metrics = metricsOf(plan.spec.metrics)
  const [drawn] = sampleReport().runs
  const results: RunResult[] = plan.runs.map((run) => ({ run, summary: summaryOf(run, drawn.summary) }))
  const verdicts = judgeComparisons(plan, results)
  return {
    plan,
    metrics,
    results,
    estimates: estimateCells(results, metrics),
    verdicts,
    answer: answerSentences(plan, verdicts),
    drawings: plan.cells.map((_, cell) => ({ cell, run: drawn })),
    facts: [{ label: 'commit', value: 'abc' }],
    cautions: ['made up'],
    command: 'kvasir experiment run sample',
  }
}

function summaryOf({ scenario, seed }: PlannedRun, summary: RunResult['summary']): RunResult['summary'] {
  const load = scenario.workload.rateScale ?? 1
  const noise = new SeededRng(seed, `${scenario.policy} ${load}`).uniform()
  const gain = scenario.policy === 'static' || load < 1 ? 1 : 1.5
  return {
    ...summary,
    goodputPerS: (10 + noise) * load * gain,
    jain: 0.8 + 0.1 * noise,
    ttftUs: { ...summary.ttftUs, p99: 1000 * load ** 8 * (1 + noise) },
  }
}

describe('the report of an experiment', () => {
  it('answers the question first, in both forms', () => {
    const input = report()
    for (const text of [renderExperimentHtml(input), renderExperimentMarkdown(input)]) {
      expect(text).toContain('weighted-max-min against static, goodput per load: better at 1 (')
      expect(text).toContain('no difference beyond noise at 0.5')
      expect(text).toContain('paired over 6 seeds')
    }
  })

  it('is one file, without a network, and takes no text for markup', () => {
    const html = renderExperimentHtml(report())
    expect(html).not.toMatch(/(src|href)="/)
    expect(html).not.toContain('<b>sharing</b>')
    expect(renderExperimentMarkdown(report())).toContain('\\<b\\>sharing')
    expect(html).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('draws metrics against load, fairness against efficiency, a heat map, latencies and budgets', () => {
    const html = renderExperimentHtml(report())
    for (const title of ['goodput', 'TTFT p99', 'Fairness against efficiency', 'Token budgets', 'KV memory'])
      expect(html, title).toContain(`aria-label="${title}`)
    expect(html).toContain('load 1.3')
    expect(html).toContain('time to first token')
  })

  it('is drawn as well where no factor is a number, where there is none, and where nothing was measured', () => {
    for (const change of [
      { factors: [{ name: 'policy', values: ['static', 'weighted-max-min'] }] },
      { factors: [], comparisons: [] },
      { factors: [...(spec.factors ?? []), { name: 'dispatch', values: ['round-robin', 'session'] }] },
      { seeds: [1, 2] },
    ]) {
      const html = renderExperimentHtml(report(change))
      expect(html).not.toMatch(/NaN|Infinity|undefined/)
    }
    const empty = { ...report(), results: [], estimates: [], verdicts: [], answer: [], drawings: [] }
    expect(renderExperimentHtml(empty)).not.toMatch(/NaN|Infinity|undefined/)
    expect(renderExperimentMarkdown(empty)).toContain('## Measured')
  })

  it('has intervals from five seeds on, and the range below', () => {
    expect(estimateTable(report()).rows[0][2]).toMatch(/^5\.\d+\/s \[5\.\d+, 5\.\d+\]$/)
    expect(estimateTable(report({ seeds: [1, 2] })).rows[0][2]).toMatch(/^5\.\d+\/s \(5\.\d+ to 5\.\d+\)$/)
  })

  it('says of every verdict how large the difference is', () => {
    const row = verdictTable(report()).rows.find(
      ([, metric, where]) => metric === 'goodput' && where === 'load 1.3',
    )
    expect(row?.slice(3, 5)).toEqual(['better', expect.stringMatching(/^1\.[45]\d× \[1\.4/)])
    expect(row?.[5]).toMatch(/^\+\d\.\d+\/s \[\+\d/)
  })

  it('is the same for the same input', () => {
    expect(renderExperimentHtml(report())).toBe(renderExperimentHtml(report()))
  })
})
