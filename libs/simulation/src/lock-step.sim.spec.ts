import { parseScenario, type ScenarioInput } from '@kvasir/contracts'
import {
  createStepCost,
  decodeShape,
  hostPresets,
  knownGpu,
  knownModel,
  prefillShape,
} from '@kvasir/hardware'
import { streamOf } from '@kvasir/workload'
import { describe, expect, it } from 'vitest'
import { planCluster } from './plan/plan-cluster.js'
import { Simulation } from './simulation.js'

interface Sent {
  /** From when the engines have their leases. */
  readonly atUs: number
  readonly prompt: number
  readonly output: number
}

const JOINED_US = 10_000

const pair: Partial<ScenarioInput['models'][number]> = {
  pools: ['a', 'b'],
  dataParallel: 2,
  expertParallel: true,
}

function scenario(model: Partial<ScenarioInput['models'][number]> = {}): ScenarioInput {
  return {
    name: 'lock step',
    policy: 'static',
    cluster: {
      groups: ['a', 'b', 'c'].map((id) => ({ id, gpu: 'H100', tp: id === 'c' ? 2 : 1 })),
    },
    models: [{ name: 'chat', architecture: 'Qwen3-30B-A3B', ...pair, ...model }],
    engine: { host: 'none', frontEndMs: 0, planAhead: false, numGpuBlocks: 4096 },
    workload: {
      generators: [
        {
          model: 'chat',
          arrivals: { kind: 'constant', ratePerS: 1 },
          lengths: { prompt: { kind: 'fixed', tokens: 1 }, output: { kind: 'fixed', tokens: 1 } },
          requests: 1,
        },
      ],
    },
  }
}

function plan(input: ScenarioInput) {
  const parsed = parseScenario(input)
  if (parsed.kind === 'refused') return parsed
  return planCluster(parsed.value)
}

function problemsOf(model: Partial<ScenarioInput['models'][number]>): string {
  const planned = plan(scenario(model))
  return planned.kind === 'refused' ? planned.problems.join('\n') : ''
}

function simulate(
  sent: readonly Sent[],
  inspect: (simulation: Simulation) => void = () => {},
  input = scenario(),
) {
  const planned = plan(input)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  const requests = sent.map(({ atUs, prompt, output }, i) => ({
    id: `r${i}`,
    arrivalUs: JOINED_US + atUs,
    model: 'chat',
    promptTokens: prompt,
    outputTokens: output,
    priority: 0,
    tenant: undefined,
    deadlineUs: undefined,
    session: undefined,
    prefixBlocks: undefined,
    prefixBlockTokens: 16,
  }))
  const ttftUs = new Map<string, number>()
  const e2eUs = new Map<string, number>()
  const simulation = new Simulation(planned.value.plan, {
    requests: streamOf(requests),
    inspect,
    trace: (record) => {
      if (record.event !== 'complete') return
      ttftUs.set(record.req_id, record.ttft_us)
      e2eUs.set(record.req_id, record.e2e_us)
    },
  })
  while (!simulation.run(100_000));
  return { ttftUs, e2eUs, engines: simulation.engines }
}

describe('engines that share experts', () => {
  const cost = createStepCost({
    gpu: knownGpu('H100'),
    model: knownModel('Qwen3-30B-A3B'),
    tp: 1,
    host: hostPresets.none,
    dataParallel: 2,
    expertSplit: 'expert',
  })

  it('computes for one of them alone as long as its own step takes, the experts over its tokens alone', () => {
    const { ttftUs, e2eUs } = simulate([{ atUs: 0, prompt: 300, output: 2 }])
    const prefillUs = cost.stepUs(prefillShape({ tokens: 300 }), 300)
    expect(ttftUs.get('r0')).toBe(prefillUs)
    expect(e2eUs.get('r0')).toBe(
      prefillUs + cost.stepUs(decodeShape({ sequences: 1, contextTokens: 301 }), 1),
    )
  })

  it('begins and ends the steps of all of them together, and takes what the slowest takes', () => {
    const spans = new Set<string>()
    const sent = [
      { atUs: 0, prompt: 100, output: 40 },
      { atUs: 3_000, prompt: 2_000, output: 20 },
      { atUs: 9_000, prompt: 50, output: 30 },
      { atUs: 50_000, prompt: 900, output: 5 },
    ]
    simulate(sent, ({ engines: [a, b] }) => {
      if (a.endUs < 0 || b.endUs < 0) return
      expect([b.startedUs, b.endUs]).toEqual([a.startedUs, a.endUs])
      spans.add(`${a.startedUs}`)
    })
    expect(spans.size).toBeGreaterThan(10)
  })

  it('slows everybody down when one of them computes a long prompt, and never when they share nothing', () => {
    const short = { atUs: 0, prompt: 100, output: 40 }
    const long = { atUs: 20_000, prompt: 8_000, output: 2 }
    const beside = simulate([short, long])
    const alone = simulate([short])
    expect(beside.e2eUs.get('r0')).toBeGreaterThan((alone.e2eUs.get('r0') ?? 0) + 20_000)
    const replicas = scenario({ pools: ['a', 'b'], dataParallel: 1, expertParallel: false })
    const apart = simulate([short, long], undefined, replicas)
    expect(apart.e2eUs.get('r0')).toBe(simulate([short], undefined, replicas).e2eUs.get('r0'))
  })

  it('plans what reaches an idle one during a step of the others when that step has ended', () => {
    const { ttftUs } = simulate([
      { atUs: 0, prompt: 4_000, output: 1 },
      { atUs: 100, prompt: 100, output: 1 },
    ])
    const firstUs = cost.stepUs(prefillShape({ tokens: 4_000 }), 4_000)
    const secondUs = cost.stepUs(prefillShape({ tokens: 100 }), 100)
    expect(ttftUs.get('r1')).toBe(firstUs - 100 + secondUs)
  })

  it('gives each its own KV, and the next request to who has least to do', () => {
    const busiest = new Map<string, number>()
    simulate(
      Array.from({ length: 6 }, () => ({ atUs: 0, prompt: 64, output: 8 })),
      ({ engines }) => {
        for (const {
          plan: { id },
          machine,
        } of engines)
          busiest.set(id, Math.max(busiest.get(id) ?? 0, machine.scheduler.runningCount))
      },
    )
    expect([...busiest.values()]).toEqual([3, 3])
  })

  it('refuses what lock step cannot be, with the reason', () => {
    expect(problemsOf({ pools: ['a', 'b', 'c'] })).toContain(
      'models[0].pools has 3 entries; their number must be a multiple of 2, models[0].dataParallel',
    )
    expect(problemsOf({ pools: ['a', { pool: 'b', joinS: 1 }] })).toContain(
      'models[0].pools[1].joinS is 1; beside models[0].dataParallel it must be left out',
    )
    expect(problemsOf({ pools: ['a', 'c'] })).toContain(
      'models[0].dataParallel is 2; it must be left out, or its replicas need groups of one kind, not 1 H100',
    )
    expect(problemsOf({ architecture: 'Llama-3.1-8B' })).toContain(
      'models[0].dataParallel is 2; it must be left out: Llama-3.1-8B has no experts to share',
    )
    const { models, ...rest } = scenario()
    const crowded = plan({
      ...rest,
      engine: {},
      models: [...models, { name: 'other', architecture: 'Llama-3.1-8B', pools: ['a'] }],
    })
    expect(crowded.kind === 'refused' ? crowded.problems.join('\n') : '').toContain(
      'dataParallel of model chat is 2; it must be left out, or chat needs a group of its own: a serves other too',
    )
  })
})

describe('an engine that plans ahead', () => {
  const single = (planAhead: boolean): ScenarioInput => {
    const input = scenario({
      architecture: 'Llama-3.1-8B',
      pools: ['a'],
      dataParallel: 1,
      expertParallel: false,
    })
    return { ...input, engine: { ...input.engine, planAhead } }
  }
  const first = { atUs: 0, prompt: 4_000, output: 50 }
  const ttftOf = (planAhead: boolean, sent: readonly Sent[]) =>
    simulate(sent, undefined, single(planAhead)).ttftUs.get(`r${sent.length - 1}`) ?? Number.NaN

  it('computes what arrives during a step in the one after the next', () => {
    const sent = [first, { atUs: 10_000, prompt: 100, output: 1 }]
    const decodeUs = createStepCost({
      gpu: knownGpu('H100'),
      model: knownModel('Llama-3.1-8B'),
      tp: 1,
      host: hostPresets.none,
    }).stepUs(decodeShape({ sequences: 1, contextTokens: 4_001 }))
    const laterUs = ttftOf(true, sent) - ttftOf(false, sent)
    // The context is a token longer in the step that computes it.
    expect(Math.abs(laterUs - decodeUs)).toBeLessThan(20)
  })

  it('is no later when nothing runs, and when what runs is the last there is', () => {
    expect(ttftOf(true, [first])).toBe(ttftOf(false, [first]))
    const sent = [
      { ...first, output: 1 },
      { atUs: 10_000, prompt: 100, output: 1 },
    ]
    expect(ttftOf(true, sent)).toBe(ttftOf(false, sent))
  })
})
