import { describe, expect, it } from 'vitest'
import { parseScenario } from './parse-scenario.js'
import { poolSettingsOf, type ScenarioInput } from './scenario.js'
import { poolSettingsSchema } from './settings.js'

const good: ScenarioInput = {
  name: 'small',
  durationS: 10,
  cluster: { preset: 'h100_8gpu', tp: 4 },
  models: [
    { name: 'chat', architecture: 'Llama-3.1-8B', replicas: 2, weight: 2, slo: { ttftMs: 500 } },
    { name: 'code', architecture: 'Qwen3-32B', pools: ['p0', { pool: 'p1', joinS: 1, leaveS: 5 }] },
  ],
  workload: {
    generators: [
      {
        model: 'chat',
        arrivals: { kind: 'gamma', ratePerS: 2, cv: 3 },
        lengths: {
          prompt: { kind: 'log-normal', median: 800, sigma: 1 },
          output: { kind: 'fixed', tokens: 100 },
        },
      },
    ],
  },
}

/** The good scenario with the value at `path` replaced; undefined takes it out. */
function edited(path: string, value: unknown): unknown {
  const document: unknown = JSON.parse(JSON.stringify(good))
  const parts = path.split('.')
  const last = parts.pop() ?? ''
  let holder: unknown = document
  for (const part of parts) holder = Reflect.get(Object(holder), part)
  if (value === undefined) Reflect.deleteProperty(Object(holder), last)
  else Reflect.set(Object(holder), last, value)
  return document
}

function problemsOf(document: unknown): readonly string[] {
  const parsed = parseScenario(document)
  return parsed.kind === 'refused' ? parsed.problems : []
}

describe('parseScenario', () => {
  it('accepts a scenario and fills in what it leaves out', () => {
    const parsed = parseScenario(good)
    expect(parsed.kind).toBe('parsed')
    if (parsed.kind !== 'parsed') return
    expect(parsed.value.seed).toBe(1)
    expect(parsed.value.policy).toBe('weighted-max-min')
    expect(parsed.value.network.latencyMs).toBe(0.2)
    expect(parsed.value.models[0]).toMatchObject({ limit: 1, guarantee: 0, preemptible: true })
  })

  const bad: readonly (readonly [string, unknown, string])[] = [
    ['models.0.wieght', 3, 'models[0].wieght is not a known field (its value is 3); did you mean weight?'],
    ['models.0.weight', 'abc', 'models[0].weight is "abc"; it must be a whole number of at least 1'],
    ['models.0.weight', 1.5, 'models[0].weight is 1.5; it must be a whole number of at least 1'],
    ['models.0.architecture', undefined, 'models[0].architecture is missing; it must be text'],
    [
      'models.0.slo.ttftMs',
      -5,
      'models[0].slo.ttftMs is -5; it must be a number above 0 (arrival to first token, milliseconds)',
    ],
    ['models', [], 'models is empty; it must be a list of at least 1'],
    [
      'models.1.pools.1.pol',
      'x',
      'models[1].pools[1].pol is not a known field (its value is "x"); did you mean pool?',
    ],
    ['models.1.pools.1.leaveS', 0.5, 'models[1].pools[1].leaveS is 0.5; it must be above its joinS (1)'],
    [
      'models.1.pools.0',
      7,
      'models[1].pools[0] is 7; it must be text that is not empty or a group of fields',
    ],
    ['models.1.replicas', 2, 'models[1].replicas is 2; beside models[1].pools it must be left out'],
    ['models.1.name', 'chat', 'models[1].name is "chat", as models[0].name is; it must be a name of its own'],
    [
      'models.0.guarantee',
      1.2,
      'models[0].guarantee is 1.2; it must be a number of at least 0 and at most 1',
    ],
    ['policy', 'fair', 'policy is "fair"; it must be one of weighted-max-min, proportional'],
    [
      'cluster.nodes',
      [{ gpu: 'H100', count: 4 }],
      'cluster says preset and nodes; it must have exactly one of',
    ],
    ['cluster.preset', undefined, 'cluster says no GPUs; it must have exactly one of preset, nodes, groups'],
    [
      'coordinator',
      { roundS: 1 },
      'coordinator.roundS is not a known field (its value is 1); did you mean roundMs?',
    ],
    [
      'workload.generators.0.arrivals.kind',
      'poison',
      'workload.generators[0].arrivals.kind is "poison"; it must be one of constant, poisson',
    ],
    [
      'workload.generators.0.arrivals.rate',
      3,
      'workload.generators[0].arrivals.rate is not a known field (its value is 3); did you mean ratePerS?',
    ],
    [
      'workload.generators.0.arrivals.cv',
      undefined,
      'workload.generators[0].arrivals.cv is missing; it must be a number above 0',
    ],
    [
      'workload.generators.0.model',
      'chta',
      'workload.generators[0].model is "chta"; it must be one of the models: chat, code',
    ],
    ['workload.generators.0.model', undefined, 'workload.generators[0] says neither model and mix'],
    [
      'faults',
      [{ kind: 'network', atS: 1 }],
      'faults[0].kind is "network"; it must be one of none, coordinator',
    ],
    ['faults', [{ kind: 'store', atS: 1 }], 'faults[0].forS is missing; it must be a number of at least 0'],
    [
      'faults',
      [{ kind: 'engine', at: 1 }],
      'faults[0].at is not a known field (its value is 1); did you mean atS?',
    ],
    [
      'faults',
      [{ kind: 'engine' }],
      'faults[0] (engine) says neither atS nor ratePerHour; it must have exactly one of them',
    ],
    [
      'faults',
      [{ kind: 'group', atS: 1, ratePerHour: 2 }],
      'faults[0] (group) says atS and ratePerHour; it must have exactly one of them',
    ],
    ['workload.generators', [], 'workload is empty; it must name at least one of traces and generators'],
    ['workload.traces', [{ file: 'a.csv', deal: { chat: 0 } }], 'workload.traces[0].deal adds up to 0'],
    [
      'workload.generators.0.arrivals',
      { kind: 'flash-crowd', ratePerS: 2, peakRatePerS: 1, atS: 0, decayS: 1 },
      'workload.generators[0].arrivals.peakRatePerS is 1; it must be at least ratePerS (2)',
    ],
    [
      'workload.generators.0.arrivals',
      { kind: 'mmpp', states: [{ ratePerS: 0, meanStayS: 1 }] },
      'workload.generators[0].arrivals.states has no ratePerS above 0',
    ],
    [
      'workload.generators.0.arrivals',
      {
        kind: 'curve',
        points: [
          { atS: 5, ratePerS: 1 },
          { atS: 2, ratePerS: 1 },
        ],
      },
      'workload.generators[0].arrivals.points[1].atS is 2; it must be at least that of the point before it (5)',
    ],
    [
      'workload.generators.0.lengths.output',
      { kind: 'pareto', alpha: 1, min: 10, max: 10 },
      'workload.generators[0].lengths.output.max is 10; it must be above min (10)',
    ],
    [
      'workload.generators.0.tenants',
      [{ tenant: 'a', share: 0 }],
      'workload.generators[0].tenants adds up to 0',
    ],
    [
      'workload.generators.0.tenants',
      [
        { tenant: 'a', share: 1, weight: 2 },
        { tenant: 'a', share: 1 },
      ],
      'workload.generators[0].tenants[1].weight is 1; it must be that of a at workload.generators[0].tenants[0].weight (2)',
    ],
    ['durationS', undefined, 'workload.generators[0] never ends; it must have requests or endS'],
  ]
  it.each(bad)('refuses %s = %j with a sentence', (path, value, sentence) => {
    const problems = problemsOf(edited(path, value))
    expect(problems.join('\n')).toContain(sentence)
    expect(problems.join('\n')).not.toMatch(/Invalid input|ZodError|invalid_type/)
  })

  it.each([null, 3, 'text', []])('refuses %j as a whole document', (document) => {
    expect(problemsOf(document)).toHaveLength(1)
    expect(problemsOf(document)[0]).toMatch(
      /^the document is .*; it must be a group of fields \(name, question/,
    )
  })

  it('takes what a benchmark of one engine needs to say', () => {
    const document = edited('workload.generators.0', {
      model: 'chat',
      arrivals: { kind: 'closed-loop', users: 64, startEveryMs: 10 },
      lengths: { prompt: { kind: 'fixed', tokens: 1024 }, output: { kind: 'fixed', tokens: 128 } },
      systemPrompt: { tokens: 512 },
      requests: 640,
    })
    const engine = {
      host: 'vllm-sync',
      hostStepMs: 1.2,
      frontEndMs: 7.5,
      numGpuBlocks: 18_000,
      stepTokenLimit: 2048,
      sequenceLimit: 64,
      dtype: 'fp8',
      kvDtype: 'fp8',
    }
    const parsed = parseScenario({ ...Object(document), engine })
    expect(parsed.kind === 'refused' ? parsed.problems : []).toEqual([])
    if (parsed.kind !== 'parsed') return
    expect(parsed.value.workload.generators[0]).toMatchObject({
      arrivals: { kind: 'closed-loop', users: 64, thinkMs: 0, startEveryMs: 10 },
      systemPrompt: { tokens: 512, variants: 1 },
    })
  })

  it('refuses to count the requests of users by arrival', () => {
    const document = edited('workload.generators.0.arrivals', { kind: 'closed-loop', users: 4 })
    Reflect.set(Object(Reflect.get(Object(document), 'workload')), 'requests', 10)
    expect(problemsOf(document).join('\n')).toContain(
      'workload.requests is 10; beside the closed loop of workload.generators[0] it must be left out',
    )
  })

  it('names every problem of a document at once', () => {
    const problems = problemsOf({ ...good, seed: -1, policy: 'x', nonsense: true })
    expect(problems).toHaveLength(3)
  })
})

describe('poolSettingsOf', () => {
  it('turns milliseconds into microseconds and keeps the defaults of the rest', () => {
    expect(poolSettingsOf({ roundMs: 50, deadZone: 0.2 })).toEqual(
      poolSettingsSchema.parse({ roundUs: 50_000, deadZone: 0.2 }),
    )
  })

  it('has a field for every setting of a pool', () => {
    const all = Object.entries(poolSettingsSchema.parse({})).map(([key, value]) =>
      key.endsWith('Us') ? [`${key.slice(0, -2)}Ms`, Number(value) / 1000] : [key, value],
    )
    const parsed = parseScenario({ ...good, coordinator: Object.fromEntries(all) })
    expect(parsed.kind === 'refused' ? parsed.problems : []).toEqual([])
  })
})
