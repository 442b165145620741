import { parseScenario, type ScenarioInput, type TraceRecord } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { planCluster, requestsOf } from '../plan/index.js'
import { Simulation } from '../simulation.js'

const SECOND = 1_000_000
const FAULT_S = 3
const noFiles = { arrivalsUs: () => [], lengths: () => [] }

/** Two sets of two engines that share experts, each engine on a group of its own. */
const base: ScenarioInput = {
  name: 'lock step',
  durationS: 12,
  cluster: { groups: ['a', 'b', 'c', 'd'].map((id) => ({ id, gpu: 'H100', tp: 1 })) },
  models: [
    {
      name: 'chat',
      architecture: 'Qwen3-30B-A3B',
      pools: ['a', 'b', 'c', 'd'],
      dataParallel: 2,
      expertParallel: true,
      slo: { ttftMs: 1000 },
    },
  ],
  engine: { numGpuBlocks: 4096 },
  workload: {
    generators: [
      {
        model: 'chat',
        arrivals: { kind: 'poisson', ratePerS: 6 },
        lengths: { prompt: { kind: 'fixed', tokens: 300 }, output: { kind: 'fixed', tokens: 80 } },
      },
    ],
  },
}

function run(faults: readonly object[], seed = 1) {
  const parsed = parseScenario({
    ...base,
    seed,
    policy: 'static',
    faults: faults.map((own) => ({ atS: FAULT_S, ...own })),
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('; '))
  const planning = planCluster(parsed.value)
  if (planning.kind === 'refused') throw new Error(planning.problems.join('; '))
  const trace: TraceRecord[] = []
  const simulation = new Simulation(planning.value.plan, {
    requests: requestsOf(parsed.value, [], noFiles),
    trace: (record) => trace.push(record),
  })
  while (!simulation.run(100_000)) continue
  const { summary } = simulation.result()
  const [record] = summary.faults?.list ?? []
  const incarnations = simulation.engines.map(({ plan, incarnation }) => `${plan.id} ${incarnation}`)
  /** Engines that completed a request in these seconds. */
  const serving = (fromS: number, toS: number) =>
    [
      ...new Set(
        trace.flatMap((line) =>
          line.event === 'complete' && line.ts_us >= fromS * SECOND && line.ts_us < toS * SECOND
            ? [line.engine]
            : [],
        ),
      ),
    ].sort()
  return { summary, record, incarnations, serving }
}

const ALL = ['chat@a', 'chat@b', 'chat@c', 'chat@d']

describe('a fault among engines in lock step', () => {
  it('of one engine ends its whole set, which begins anew together; the other set goes on', () => {
    const { summary, record, incarnations, serving } = run([
      { kind: 'engine', target: 'chat@a', restartS: 2, loadS: 1 },
    ])
    expect(incarnations).toEqual(['chat@a 2', 'chat@b 2', 'chat@c 1', 'chat@d 1'])
    expect(serving(FAULT_S + 0.1, FAULT_S + 3)).toEqual(['chat@c', 'chat@d'])
    expect(serving(FAULT_S + 5, 20)).toEqual(ALL)
    expect(record.budgetsUs).toBeGreaterThan(3 * SECOND)
    expect(record.budgetsUs).toBeLessThan(4 * SECOND)
    expect(summary.requests.finished + record.lost).toBe(summary.requests.submitted)
  })

  it('of a group waits for the group, and then begins with all of the set', () => {
    const { record, incarnations, serving } = run([{ kind: 'group', target: 'b', forS: 4, loadS: 1 }])
    expect(incarnations).toEqual(['chat@a 2', 'chat@b 2', 'chat@c 1', 'chat@d 1'])
    // A step that was under way on the other group still ends.
    expect(serving(FAULT_S + 0.1, FAULT_S + 5)).toEqual(['chat@c', 'chat@d'])
    expect(serving(FAULT_S + 6, 20)).toEqual(ALL)
    expect(record.budgetsUs).toBeGreaterThan(5 * SECOND)
  })

  it('of a group for good leaves its set away for good', () => {
    const { summary, incarnations, serving } = run([{ kind: 'group', target: 'b' }])
    expect(incarnations).toEqual(['chat@a 2', 'chat@b 2', 'chat@c 1', 'chat@d 1'])
    expect(serving(FAULT_S + 3, 20)).toEqual(['chat@c', 'chat@d'])
    expect(summary.requests.unfinished).toBe(0)
  })

  it('of all engines, of all groups and several at once ends every request and brings every set back', () => {
    for (const faults of [
      [{ kind: 'engine', target: '*', restartS: 1 }],
      [{ kind: 'group', target: '*', forS: 2 }],
      [
        { kind: 'group', target: 'a', forS: 3 },
        { kind: 'group', target: 'b', forS: 1, atS: FAULT_S + 1 },
        { kind: 'engine', target: 'chat@b', restartS: 0, atS: FAULT_S + 1 },
        { kind: 'engine', target: 'chat@c', restartS: 1, atS: FAULT_S + 2 },
      ],
    ]) {
      const { summary, serving } = run(faults)
      const { finished, rejected, submitted } = summary.requests
      expect(finished + rejected, JSON.stringify(faults)).toBe(submitted)
      expect(serving(FAULT_S + 7, 20), JSON.stringify(faults)).toEqual(ALL)
    }
  })

  it('that is drawn at random finds them in any state, and no request is without an end', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { summary } = run(
        [
          { kind: 'engine', atS: undefined, ratePerHour: 900, restartS: 1, loadS: seed / 4 },
          { kind: 'group', atS: undefined, ratePerHour: 900, forS: seed / 2 },
        ],
        seed,
      )
      const { finished, rejected, submitted } = summary.requests
      expect(finished + rejected, `seed ${seed}`).toBe(submitted)
      expect(summary.conditions, `seed ${seed}`).not.toContain('stuck')
    }
  })
})
