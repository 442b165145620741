import { parseScenario, type Scenario, type ScenarioInput } from '@kvasir/contracts'
import { defaultModelMap, type RequestRecord, streamOf, takeAll } from '@kvasir/workload'
import { describe, expect, it } from 'vitest'
import { requestsOf, userGroupsOf, type WorkloadFiles } from './request-streams.js'
import { routeTrace } from './trace-models.js'

const noFiles: WorkloadFiles = { arrivalsUs: () => [], lengths: () => [] }
const models: ScenarioInput['models'] = [
  { name: 'chat', architecture: 'Qwen3-8B' },
  { name: 'code', architecture: 'Llama-3.1-70B' },
]
const lengths = {
  prompt: { kind: 'fixed', tokens: 100 },
  output: { kind: 'uniform', min: 1, max: 9 },
} as const

function scenario(workload: ScenarioInput['workload'], rest: Partial<ScenarioInput> = {}): Scenario {
  const parsed = parseScenario({ name: 'test', models, workload, ...rest })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  return parsed.value
}

function record(id: string, arrivalS: number, model?: string): RequestRecord {
  return {
    id,
    arrivalUs: arrivalS * 1e6,
    model,
    promptTokens: 10,
    outputTokens: 5,
    priority: 0,
    tenant: undefined,
    deadlineUs: undefined,
    session: undefined,
    prefixBlocks: undefined,
    prefixBlockTokens: 0,
  }
}

function route(scenario: Scenario, names: readonly string[]) {
  const [spec] = scenario.workload.traces
  return routeTrace({ path: 'workload.traces[0]', spec, names }, scenario.models, defaultModelMap)
}

function traced(scenario: Scenario, records: readonly RequestRecord[]): readonly RequestRecord[] {
  const names = [...new Set(records.flatMap((each) => each.model ?? []))]
  const routing = route(scenario, names)
  if (routing.kind === 'refused') throw new Error(routing.problems.join('\n'))
  const trace = { spec: scenario.workload.traces[0], routing: routing.value, stream: streamOf(records) }
  return takeAll(requestsOf(scenario, [trace], noFiles))
}

describe('requests of a scenario', () => {
  it('carry what their clients allow, and end there', () => {
    const arrivals = { kind: 'constant', ratePerS: 10 } as const
    const generators = [
      { model: 'chat', arrivals, lengths, maxOutputTokens: 4 },
      { model: 'code', arrivals, lengths },
    ]
    const requests = takeAll(requestsOf(scenario({ generators }, { durationS: 20 }), [], noFiles))
    const chat = requests.filter(({ model }) => model === 'chat')
    expect(new Set(chat.map(({ maxOutputTokens }) => maxOutputTokens))).toEqual(new Set([4]))
    expect(Math.max(...chat.map(({ outputTokens }) => outputTokens))).toBe(4)
    expect(requests.filter(({ model, maxOutputTokens }) => model === 'code' && maxOutputTokens)).toEqual([])
    const trace = scenario({ traces: [{ file: 'a', models: { x: 'chat' }, maxOutputTokens: 3 }] })
    expect(traced(trace, [record('a', 0, 'x')])).toMatchObject([{ outputTokens: 3, maxOutputTokens: 3 }])
  })

  it('merges generators by arrival until the time is up', () => {
    const arrivals = { kind: 'poisson', ratePerS: 20 } as const
    const requests = takeAll(
      requestsOf(
        scenario(
          {
            generators: [
              { model: 'chat', arrivals, lengths },
              { model: 'code', arrivals, lengths, startS: 5, requests: 10 },
            ],
          },
          { durationS: 10 },
        ),
        [],
        noFiles,
      ),
    )
    const times = requests.map(({ arrivalUs }) => arrivalUs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.at(-1)).toBeLessThan(10e6)
    const code = requests.filter(({ model }) => model === 'code')
    expect(code).toHaveLength(10)
    expect(code[0].arrivalUs).toBeGreaterThanOrEqual(5e6)
  })

  it('draws the same requests for a seed, and others for another', () => {
    const draw = (seed: number) =>
      takeAll(
        requestsOf(
          scenario(
            {
              generators: [
                { model: 'chat', arrivals: { kind: 'gamma', ratePerS: 5, cv: 3 }, lengths, requests: 50 },
              ],
            },
            { seed },
          ),
          [],
          noFiles,
        ),
      )
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  it.each([
    { kind: 'constant', ratePerS: 5 },
    { kind: 'weibull', ratePerS: 5, cv: 2 },
    {
      kind: 'mmpp',
      states: [
        { ratePerS: 20, meanStayS: 2 },
        { ratePerS: 1, meanStayS: 5 },
      ],
    },
    { kind: 'flash-crowd', ratePerS: 2, peakRatePerS: 20, atS: 3, decayS: 2, cv: 2 },
    { kind: 'diurnal', ratePerS: 5, periodS: 20 },
    {
      kind: 'curve',
      points: [
        { atS: 0, ratePerS: 0 },
        { atS: 10, ratePerS: 10 },
      ],
    },
  ] as const)('generates $kind arrivals', (arrivals) => {
    const spec = { generators: [{ model: 'chat', arrivals, lengths, requests: 30 }] }
    const requests = takeAll(requestsOf(scenario(spec), [], noFiles))
    expect(requests).toHaveLength(30)
    expect(requests.every(({ model, promptTokens }) => model === 'chat' && promptTokens === 100)).toBe(true)
  })

  it('takes arrivals and lengths from files, outputs with their prompts', () => {
    const spec: ScenarioInput['workload'] = {
      generators: [
        {
          model: 'chat',
          arrivals: { kind: 'replay', file: 'a.csv', rateScale: 2 },
          lengths: {
            prompt: { kind: 'file', file: 'b.csv' },
            output: { kind: 'file', file: 'b.csv', max: 50 },
          },
        },
      ],
    }
    const files: WorkloadFiles = {
      arrivalsUs: () => [0, 2e6, 4e6],
      lengths: () => [
        { promptTokens: 7, outputTokens: 70 },
        { promptTokens: 3, outputTokens: 30 },
      ],
    }
    const requests = takeAll(requestsOf(scenario(spec, { durationS: 60 }), [], files))
    expect(requests.map(({ arrivalUs }) => arrivalUs)).toEqual([0, 1e6, 2e6])
    for (const { promptTokens, outputTokens } of requests)
      expect(outputTokens).toBe(promptTokens === 7 ? 50 : 30)
  })

  it('shifts between models as the mix says', () => {
    const mix = [
      { atS: 0, shares: { chat: 1 } },
      { atS: 100, shares: { code: 1 } },
    ]
    const spec = { generators: [{ mix, arrivals: { kind: 'constant', ratePerS: 10 } as const, lengths }] }
    const requests = takeAll(requestsOf(scenario(spec, { durationS: 100 }), [], noFiles))
    const share = (from: number, to: number) => {
      const part = requests.filter(({ arrivalUs }) => arrivalUs >= from * 1e6 && arrivalUs < to * 1e6)
      return part.filter(({ model }) => model === 'code').length / part.length
    }
    expect(share(0, 20)).toBeLessThan(0.25)
    expect(share(80, 100)).toBeGreaterThan(0.75)
  })
})

describe('requests of a trace', () => {
  it('finds models by the scenario, by name, and by the table', () => {
    const spec = scenario({ traces: [{ file: 'a', models: { special: 'code' } }] })
    const requests = traced(spec, [
      record('a', 0, 'special'),
      record('b', 1, 'chat'),
      record('c', 2, 'm-small'),
    ])
    expect(requests.map(({ model }) => model)).toEqual(['code', 'chat', 'chat'])
  })

  it('refuses names that lead nowhere', () => {
    const routing = route(scenario({ traces: [{ file: 'a' }] }), ['chat', 'other'])
    expect(routing).toMatchObject({
      kind: 'refused',
      problems: [
        'workload.traces[0]: the trace names other; workload.traces[0].models (or --model-map) must say which of chat, code serves it',
      ],
    })
  })

  it('deals requests without a model by the given shares', () => {
    const spec = scenario({ traces: [{ file: 'a', deal: { chat: 3, code: 1 } }] })
    const requests = traced(
      spec,
      Array.from({ length: 8 }, (_, i) => record(`r${i}`, i)),
    )
    expect(requests.filter(({ model }) => model === 'chat')).toHaveLength(6)
  })

  it('scales, delays, ranks and limits', () => {
    const spec = scenario({ traces: [{ file: 'a', rateScale: 2, startS: 10, priority: 3 }], requests: 2 })
    const requests = traced(spec, [record('a', 0), record('b', 4), record('c', 5)])
    expect(requests.map(({ arrivalUs, priority }) => [arrivalUs, priority])).toEqual([
      [10e6, 3],
      [12e6, 3],
    ])
  })

  it('leaves out what arrives after the duration', () => {
    const spec = scenario({ traces: [{ file: 'a' }] }, { durationS: 4.5 })
    expect(traced(spec, [record('a', 0), record('b', 4), record('c', 5)])).toHaveLength(2)
  })
})

describe('closed loops and system prompts', () => {
  const loop = {
    model: 'chat',
    arrivals: { kind: 'closed-loop', users: 3, thinkMs: 20, startEveryMs: 5 },
    lengths,
    startS: 2,
    requests: 7,
  } as const

  it('are users with requests to send, and no arrivals', () => {
    const spec = scenario({ generators: [loop] }, { durationS: 60 })
    expect(requestsOf(spec, [], noFiles).next()).toBeUndefined()
    const [group] = userGroupsOf(spec, noFiles)
    expect(group).toMatchObject({ users: 3, thinkUs: 20_000, startEveryUs: 5000, startUs: 2e6, endUs: 60e6 })
    expect(takeAll(group.requests)).toHaveLength(7)
  })

  it('leave the arrivals of other generators alone', () => {
    const open = { model: 'code', arrivals: { kind: 'constant', ratePerS: 2 }, lengths, requests: 4 } as const
    const spec = scenario({ generators: [loop, open] })
    const requests = takeAll(requestsOf(spec, [], noFiles))
    expect(requests.map(({ arrivalUs }) => arrivalUs)).toEqual([500_000, 1_000_000, 1_500_000, 2_000_000])
    expect(userGroupsOf(spec, noFiles)).toHaveLength(1)
  })

  it('put the same first tokens in front of every prompt of a generator', () => {
    const generator = { ...loop, systemPrompt: { tokens: 64, variants: 2 } }
    const spec = scenario({ generators: [generator, { ...generator, name: 'other' }] })
    const [first, second] = userGroupsOf(spec, noFiles).map(({ requests }) => takeAll(requests))
    const prefixes = (records: readonly RequestRecord[]) =>
      new Set(records.map(({ prefixBlocks }) => prefixBlocks?.[0]))
    expect(first.every(({ promptTokens }) => promptTokens === 164)).toBe(true)
    expect(prefixes(first).size).toBe(2)
    // Prompts of different sources have nothing in common.
    expect(new Set([...prefixes(first), ...prefixes(second)]).size).toBe(4)
  })
})

describe('workload.rateScale', () => {
  const generators = [
    { model: 'chat', arrivals: { kind: 'poisson', ratePerS: 20 } as const, lengths },
    {
      model: 'code',
      arrivals: {
        kind: 'flash-crowd',
        ratePerS: 5,
        peakRatePerS: 30,
        atS: 20,
        holdS: 10,
        decayS: 5,
      } as const,
      lengths,
    },
  ]
  const count = (rateScale: number | undefined) =>
    takeAll(
      requestsOf(
        scenario({ generators, ...(rateScale === undefined ? {} : { rateScale }) }, { durationS: 60 }),
        [],
        noFiles,
      ),
    )

  it('makes requests as much more frequent, and leaves the times of bursts where they are', () => {
    const once = count(undefined)
    expect(count(1)).toEqual(once)
    const twice = count(2)
    expect(twice.length / once.length).toBeCloseTo(2, 1)
    const inPeak = (requests: typeof once) =>
      requests.filter(({ model, arrivalUs }) => model === 'code' && arrivalUs > 20e6 && arrivalUs < 30e6)
        .length
    expect(inPeak(twice) / inPeak(once)).toBeCloseTo(2, 0)
  })

  it('is refused beside a closed loop, whose users send when they are answered', () => {
    const loop = { model: 'chat', arrivals: { kind: 'closed-loop', users: 2 } as const, lengths, requests: 5 }
    const parsed = parseScenario({ name: 'test', models, workload: { generators: [loop], rateScale: 2 } })
    expect(parsed).toMatchObject({ kind: 'refused' })
    expect(JSON.stringify(parsed)).toContain('workload.rateScale is 2; beside the closed loop')
  })
})
