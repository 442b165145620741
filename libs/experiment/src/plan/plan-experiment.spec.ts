import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { sampleBase, samplePlan, tryPlan } from '../testing/sample-experiment.js'
import { applySetting } from './apply-setting.js'
import { canonicalJson } from './canonical-json.js'
import { cellLabel, runsOfSeed, smallVersion } from './plan-experiment.js'

function refusal(change: Parameters<typeof tryPlan>[0]): string {
  const planned = tryPlan(change)
  return planned.kind === 'refused' ? planned.problems.join('\n') : ''
}

describe('planExperiment', () => {
  it('makes every combination with every seed, the last factor first, seed by seed', () => {
    const plan = samplePlan()
    expect(plan.cells.map(({ levels }) => cellLabel(plan, levels))).toEqual([
      'policy=static load=0.5',
      'policy=static load=1',
      'policy=weighted-max-min load=0.5',
      'policy=weighted-max-min load=1',
    ])
    expect(plan.runs.map(({ seed }) => seed)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    expect(plan.runs[5].scenario).toMatchObject({
      name: 'sample',
      policy: 'static',
      seed: 2,
      workload: { rateScale: 1 },
    })
  })

  it('gives every run an id of its own, which is its content and nothing else', () => {
    const plan = samplePlan({ seeds: { first: 1, count: 40 } })
    expect(new Set(plan.runs.map(({ id }) => id)).size).toBe(160)
    const renamed = samplePlan({ name: 'other', question: 'Else?', seeds: [2] })
    expect(renamed.runs.map(({ id }) => id)).toEqual(
      plan.runs.filter(({ seed }) => seed === 2).map(({ id }) => id),
    )
    const spelt = samplePlan({ set: { dispatch: 'least-outstanding' }, seeds: [2] })
    expect(spelt.runs[0].id).toBe(renamed.runs[0].id)
    expect(samplePlan({ set: { durationS: 11 }, seeds: [2] }).runs[0].id).not.toBe(renamed.runs[0].id)
  })

  it('repeats a run under another id', () => {
    const plan = samplePlan({ repetitions: 2, seeds: [1] })
    expect(plan.runs).toHaveLength(8)
    expect(new Set(plan.runs.map(({ id }) => id)).size).toBe(8)
    expect(plan.runs[4].scenario).toEqual(plan.runs[0].scenario)
  })

  it('draws only the first seed', () => {
    const drawn = samplePlan().runs.filter(({ keep }) => keep.drawing)
    expect(drawn.map(({ seed }) => seed)).toEqual([1, 1, 1, 1])
  })

  it('sets several paths in a level, and replaces SLOs of all models', () => {
    const plan = samplePlan({
      comparisons: [],
      slo: { ttftMs: 700 },
      factors: [
        {
          name: 'mode',
          values: [{ name: 'heavy', set: { 'models.chat.weight': 3, 'models[*].engine.order': 'srpt' } }],
        },
      ],
    })
    const [{ scenario }] = plan.cells
    expect(scenario.models.map(({ weight, engine }) => [weight, engine?.order])).toEqual([
      [3, 'srpt'],
      [1, 'srpt'],
    ])
    expect(scenario.slo.ttftMs).toBe(700)
    expect(scenario.models[1].slo).toBeUndefined()
  })

  it('refuses unknown paths with near misses, and says which level is wrong', () => {
    const factor = (path: string, value: number | string = 1) =>
      refusal({ factors: [{ name: 'f', path, values: [value] }], comparisons: [] })
    expect(factor('workload.rateScal')).toContain(
      'factors[0].values[0]: workload.rateScal is not a known field',
    )
    expect(factor('workload.rateScal')).toContain('did you mean rateScale?')
    expect(factor('models.chta.weight')).toContain('did you mean chat?')
    expect(factor('models[2].weight')).toContain('models has 2 elements')
    expect(factor('durationS.x')).toContain('durationS is 10; it has no fields')
    expect(factor('durationS[0]')).toContain('is no list')
    expect(factor('policy', 'fair')).toContain('policy is "fair"; it must be one of')
    expect(factor('seed')).toContain('seeds says which there are')
    expect(refusal({ set: { 'engine.ordr': 'fcfs' } })).toContain('set: engine.ordr is not a known field')
    expect(refusal({ base: { ...sampleBase, durationS: -1 } })).toContain('base: durationS is -1')
  })

  it('refuses combinations that are the same scenario, and a seed that is there twice', () => {
    const twins = refusal({
      comparisons: [],
      factors: [
        {
          name: 'f',
          values: [
            { name: 'a', set: {} },
            { name: 'b', set: { policy: 'weighted-max-min' } },
          ],
        },
      ],
    })
    expect(twins).toContain('f=a and f=b are the same scenario')
    expect(refusal({ seeds: [1, 2, 1] })).toContain('seeds has 1 twice')
  })

  it('makes a small version with fewer levels and seeds and the comparisons that are left', () => {
    const { spec } = samplePlan({
      small: { set: { durationS: 2 }, factors: [{ name: 'load', values: [1] }] },
    })
    const small = smallVersion(spec)
    expect(small.seeds).toEqual([1, 2])
    expect(small.factors[1]).toEqual({ name: 'load', path: 'workload.rateScale', values: [1] })
    expect(small.set).toEqual({ durationS: 2 })
    const alone = smallVersion({ ...spec, small: { factors: [{ name: 'policy', values: ['static'] }] } })
    expect(alone.comparisons).toEqual([])
  })

  it('plans seeds that a stopping rule adds as if they had been there from the start', () => {
    const plan = samplePlan()
    const more = samplePlan({ seeds: [1, 2, 3, 9] })
    expect(runsOfSeed(plan, 9).map(({ id }) => id)).toEqual(more.runs.slice(12).map(({ id }) => id))
  })
})

describe('applySetting', () => {
  it('changes a copy, takes fields away with null, and makes what is missing on the way', () => {
    const before = {
      a: { b: 1 },
      list: [
        { name: 'x', v: 1 },
        { name: 'y', v: 2 },
      ],
    }
    const frozen = JSON.stringify(before)
    const set = (path: string, value: unknown) => {
      const applied = applySetting(before, path, value)
      return applied.kind === 'parsed' ? applied.value : applied.problems
    }
    expect(set('a.c.d', 5)).toMatchObject({ a: { b: 1, c: { d: 5 } } })
    expect(set('list.y.v', 7)).toMatchObject({ list: [{ v: 1 }, { v: 7 }] })
    expect(set('list[*].v', 0)).toMatchObject({ list: [{ v: 0 }, { v: 0 }] })
    expect(set('list.x', null)).toEqual({ a: { b: 1 }, list: [{ name: 'y', v: 2 }] })
    expect(set('a.b', null)).toMatchObject({ a: {} })
    expect(JSON.stringify(before)).toBe(frozen)
  })
})

describe('canonicalJson', () => {
  it('does not depend on the order of fields', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = new SeededRng(seed, 'fields')
      const fields = Array.from({ length: 8 }, (_, i) => [`k${i}`, rng.int(5) > 0 ? i : undefined] as const)
      const shuffled = [...fields].sort(() => rng.uniform() - 0.5)
      expect(canonicalJson(Object.fromEntries(shuffled)), `seed ${seed}`).toBe(
        canonicalJson(Object.fromEntries(fields)),
      )
    }
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}')
  })
})
