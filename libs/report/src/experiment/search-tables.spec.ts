import type { SearchReport } from '@kvasir/experiment'
import { describe, expect, it } from 'vitest'
import { parseExperiment } from '@kvasir/contracts'
import type { ExperimentReport } from './model.js'
import { frontPlot, searchTables } from './search-tables.js'

const spec = parseExperiment({
  name: 'sized',
  question: 'How few?',
  base: 'three-models',
  factors: [{ name: 'policy', values: ['static', 'drf'] }],
  metrics: [{ path: 'goodputPerS', better: 'higher' }],
})
if (spec.kind === 'refused') throw new Error(spec.problems.join('\n'))

const plan: ExperimentReport['plan'] = {
  spec: spec.value,
  factors: [
    { name: 'policy', levels: ['static', 'drf'] },
    { name: 'groups', levels: ['2', '3'] },
  ],
  cells: [],
}

const met = { meets: true, mean: 0.96, worst: 0.95 }
const missed = { meets: false, mean: 0.8, worst: 0.7 }
const common = { gpus: 12, metric: 1, seeds: 2, refusals: [] }

const search: SearchReport = {
  kind: 'smallest',
  by: 'every-seed',
  axes: ['groups'],
  goals: ['sloAttainment ≥ 0.95'],
  metric: { name: 'goodputPerS', unit: 'perSecond' },
  findings: [
    {
      levels: ['static'],
      kind: 'found',
      found: { ...common, levels: ['3'], meets: true, goals: [met] },
      next: { ...common, levels: ['2'], meets: false, goals: [missed] },
      looked: 4,
      isAtEnd: false,
      disorder: [],
      failure: null,
    },
    {
      levels: ['drf'],
      kind: 'none',
      found: null,
      next: { ...common, levels: ['3'], meets: false, goals: [], refusals: ['does not fit'] },
      looked: 2,
      isAtEnd: false,
      disorder: [],
      failure: null,
    },
  ],
  points: [
    { levels: ['static', '3'], cost: 12, value: 0.96, meets: true, isOnFront: true },
    { levels: ['static', '2'], cost: 8, value: 0.8, meets: false, isOnFront: true },
    { levels: ['drf', '2'], cost: 8, value: 0.7, meets: false, isOnFront: false },
  ],
  cost: 'GPUs',
  value: 'sloAttainment',
  better: 'higher',
}

describe('the tables of a search', () => {
  it('say what was found with its neighbour, and the front alone, cheapest first', () => {
    const [found, front] = searchTables({ plan, search })
    expect(found.rows).toEqual([
      ['static', '3', '12', '0.960 (worst 0.950)', '2 (0.800 (worst 0.700))', '4'],
      ['drf', 'none', '–', '–', '3 (cannot run)', '2'],
    ])
    expect(front.rows).toEqual([
      ['static / 2', '8', '0.800', 'not met'],
      ['static / 3', '12', '0.960', 'met'],
    ])
    expect(searchTables({ plan })).toEqual([])
  })

  it('have the metric and the second where the best was looked for', () => {
    const [first, second] = search.findings
    const best = { ...search, kind: 'best' as const, goals: [], findings: [{ ...first, next: second.next }] }
    const [found] = searchTables({ plan, search: best })
    expect(found.header).toEqual(['policy', 'found', 'goodputPerS', 'GPUs', 'second', 'looked at'])
    expect(found.rows[0].slice(0, 4)).toEqual(['static', '3', '1.00/s', '12'])
  })

  it('draws all that was looked at, and joins the front alone', () => {
    const [{ svg }] = frontPlot({ plan, search })
    const text = svg.text
    expect(text.match(/<circle/g)).toHaveLength(5)
    expect(text.match(/d="M[^"]*L/g)).toHaveLength(1)
  })
})
