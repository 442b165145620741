import type { ExperimentSpecInput } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { metricsOf, summaryNumbers } from '../metrics.js'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import type { PlannedRun } from '../run.js'
import { outcomeOf, samplePlan } from '../testing/sample-experiment.js'
import { answerSentences } from './answer.js'
import { estimateCells } from './cell-estimates.js'
import { compareResults, type RunRow } from './compare-results.js'
import type { RunResult } from './observations.js'
import { judgeComparisons } from './verdicts.js'

function results(plan: ExperimentPlan, goodputOf: (run: PlannedRun) => number): RunResult[] {
  return plan.runs.map((run) => ({
    run,
    summary: outcomeOf(run, { goodputPerS: goodputOf(run), ttftP99Us: 1000 }).summary,
  }))
}

/** Seeds differ a lot, policies by a fifth at load 1 and not at all at load 0.5. */
function plausible(run: PlannedRun): number {
  const shared = 50 + 20 * new SeededRng(run.seed, 'seed').uniform()
  const own = new SeededRng(run.seed, `own ${run.cell}`).normal()
  return shared * (run.cell === 3 ? 1.2 : 1) + own
}

const tenSeeds: Partial<ExperimentSpecInput> = { seeds: { first: 1, count: 10 } }

describe('judgeComparisons', () => {
  it('tells a difference from noise by pairs, place by place', () => {
    const plan = samplePlan(tenSeeds)
    const verdicts = judgeComparisons(plan, results(plan, plausible))
    const goodput = verdicts.filter(({ metric }) => metric === 'goodput')
    expect(goodput.map(({ where, kind }) => [where[0].level, kind])).toEqual([
      ['0.5', 'no_difference'],
      ['1', 'better'],
    ])
    expect(goodput[1].ratio).toBeCloseTo(1.2, 1)
    expect(goodput[1].ratioInterval?.low).toBeGreaterThan(1.1)
    expect(goodput[1].pairs).toBe(10)
  })

  it('calls lower better where lower is better, and equal numbers no difference', () => {
    const plan = samplePlan(tenSeeds)
    const equal = judgeComparisons(plan, results(plan, plausible)).filter(
      ({ metric }) => metric === 'TTFT p99',
    )
    expect(equal.map(({ kind }) => kind)).toEqual(['no_difference', 'no_difference'])
    const lower = samplePlan({ ...tenSeeds, metrics: [{ path: 'goodputPerS', better: 'lower' }] })
    const [, verdict] = judgeComparisons(lower, results(lower, plausible))
    expect(verdict.kind).toBe('worse')
  })

  it('pools places when asked to, a seed counting once', () => {
    const plan = samplePlan({
      ...tenSeeds,
      comparisons: [{ factor: 'policy', subject: 'weighted-max-min', per: [] }],
    })
    const [pooled] = judgeComparisons(plan, results(plan, plausible))
    expect(pooled.where).toEqual([])
    expect(pooled.pairs).toBe(10)
    expect(pooled.ratio).toBeCloseTo(1.1, 1)
  })

  it('gives no verdict on few seeds, and leaves out runs that failed', () => {
    const plan = samplePlan({ seeds: [1, 2, 3, 4] })
    expect(judgeComparisons(plan, results(plan, plausible)).map(({ kind }) => kind)).toContain('too_few')
    const ten = samplePlan(tenSeeds)
    const partial = results(ten, plausible).filter(({ run }) => !(run.cell === 3 && run.seed > 6))
    const verdicts = judgeComparisons(ten, partial)
    expect(verdicts.filter(({ metric }) => metric === 'goodput').map(({ pairs }) => pairs)).toEqual([10, 6])
  })

  it('says the same whatever the order of the results', () => {
    const plan = samplePlan(tenSeeds)
    const ordered = results(plan, plausible)
    const expected = judgeComparisons(plan, ordered)
    for (let seed = 0; seed < 10; seed++) {
      const rng = new SeededRng(seed, 'shuffle')
      const shuffled = [...ordered].sort(() => rng.uniform() - 0.5)
      expect(judgeComparisons(plan, shuffled), `seed ${seed}`).toEqual(expected)
      expect(estimateCells(shuffled, metricsOf(plan.spec.metrics))).toEqual(
        estimateCells(ordered, metricsOf(plan.spec.metrics)),
      )
    }
  })
})

describe('answerSentences', () => {
  it('answers of the main metric where it is better and where not, and how sure that is', () => {
    const plan = samplePlan(tenSeeds)
    const sentences = answerSentences(plan, judgeComparisons(plan, results(plan, plausible)))
    expect(sentences[0]).toMatch(
      /^weighted-max-min against static, goodput per load: better at 1 \(1\.\d+×\); no difference beyond noise at 0\.5 \(/,
    )
    expect(sentences[1]).toBe(
      'Each at 95 % confidence, paired over 10 seeds; of 4 verdicts in all metrics about 0.2 would be called different by chance alone.',
    )
  })

  it('says where an aim is kept, missed, or not decided', () => {
    const aimed = (aim: number, change: Partial<ExperimentSpecInput> = tenSeeds) => {
      const plan = samplePlan({
        ...change,
        comparisons: [{ factor: 'policy', subject: 'weighted-max-min', aim }],
      })
      return answerSentences(plan, judgeComparisons(plan, results(plan, plausible)))[1]
    }
    expect(aimed(1.1)).toMatch(
      /^Aim, at least 1\.1×: kept at 1 \(1\.2\d*× \[1\.1\d*, 1\.2\d*\]\); missed at 0\.5 \(/,
    )
    expect(aimed(1)).toMatch(/^Aim, at least 1×: kept at 1 \(.*\); not decided at 0\.5 \(/)
    expect(aimed(1.1, { seeds: [1, 2] })).toMatch(
      /^Aim, at least 1\.1×: not decided at 0\.5 \([\d.]+×\), at 1 \(/,
    )
  })

  it('says that nothing is certain with few seeds, and nothing without comparisons', () => {
    const plan = samplePlan({ seeds: [1, 2] })
    const sentences = answerSentences(plan, judgeComparisons(plan, results(plan, plausible)))
    expect(sentences.at(-1)).toBe('Nothing is certain: 2 seeds, and a verdict takes five.')
    const none = samplePlan({ comparisons: [] })
    expect(answerSentences(none, judgeComparisons(none, results(none, plausible)))).toEqual([])
  })
})

describe('compareResults', () => {
  const metrics = [{ name: 'goodput', path: 'goodputPerS', better: 'higher' as const }]
  const rows = (count: number, value: (seed: number) => number): RunRow[] =>
    Array.from({ length: count }, (_, i) => ({ levels: ['a'], seed: i + 1, number: () => value(i + 1) }))
  const noisy = (seed: number) => 10 + 3 * new SeededRng(seed, 'noise').normal()

  it('finds what moved by pairing seeds, and nothing where nothing did', () => {
    const before = rows(8, noisy)
    const [same] = compareResults(before, rows(8, noisy), metrics)
    expect(same).toMatchObject({ kind: 'no_difference', pairs: 8, difference: 0 })
    const [moved] = compareResults(
      before,
      rows(8, (seed) => noisy(seed) + 0.5),
      metrics,
    )
    expect(moved).toMatchObject({ kind: 'better', pairs: 8 })
    const [unpaired] = compareResults(
      before,
      rows(8, (seed) => noisy(seed + 100) + 0.5).map((row) => ({ ...row, seed: row.seed + 100 })),
      metrics,
    )
    expect(unpaired).toMatchObject({ kind: 'no_difference', pairs: 0 })
  })

  it('says so when there are too few seeds, and leaves out what only one has', () => {
    const [few] = compareResults(
      rows(2, () => 1),
      rows(2, () => 2),
      metrics,
    )
    expect(few.kind).toBe('too_few')
    expect(
      compareResults(
        rows(2, () => 1),
        [{ levels: ['b'], seed: 1, number: () => 1 }],
        metrics,
      ),
    ).toEqual([])
  })
})

describe('metricsOf', () => {
  it('takes numbers by path, means over members, and null where there is none', () => {
    const plan = samplePlan()
    const { summary } = outcomeOf(plan.runs[0], { goodputPerS: 4 })
    const numbers = summaryNumbers(summary)
    expect(numbers.get('goodputPerS')).toBe(4)
    expect(numbers.has('wallMs')).toBe(false)
    const [goodput, none, mean] = metricsOf([
      { path: 'goodputPerS', better: 'higher' },
      { path: 'models.chat.goodputPerS', better: 'higher' },
      { path: 'pools[*].utilisation', better: 'higher' },
    ])
    expect([goodput, none, mean].map((metric) => metric.of(summary))).toEqual([4, null, null])
    expect([goodput.unit, mean.unit]).toEqual(['perSecond', 'share'])
  })
})
