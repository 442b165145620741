import { parseScenario, poolSettingsSchema, type Scenario } from '@kvasir/contracts'
import type { PathCost } from '@kvasir/experiment'
import type { RequestRecord } from '@kvasir/workload'
import { describe, expect, it } from 'vitest'
import { BadInput } from '../bad-input.js'
import { pathCostsOf } from './calibrate-path.js'
import { liveOptions } from './live-options.js'
import { promptText } from './prompt-text.js'
import { simulateSide } from './simulate-side.js'
import { calibrationOf, calibrationRequests, twinRequests } from './twin-requests.js'
import {
  bareScenario,
  inMotion,
  planOf,
  scenarioInMotion,
  scenarioWithPath,
  twinProblems,
} from './twin-scenario.js'

const input = {
  name: 'twin',
  durationS: 5,
  cluster: { groups: [{ id: 'group', gpu: 'H100', tp: 4 }] },
  models: [
    { name: 'small', architecture: 'Llama-3.1-8B', pools: ['group'] },
    { name: 'large', architecture: 'Llama-3.1-70B', pools: ['group'] },
  ],
  workload: {
    generators: ['small', 'large'].map((model) => ({
      model,
      arrivals: { kind: 'poisson', ratePerS: 2 },
      lengths: { prompt: { kind: 'fixed', tokens: 200 }, output: { kind: 'fixed', tokens: 20 } },
    })),
  },
}

function scenario(changes: object = {}): Scenario {
  const parsed = parseScenario({ ...input, ...changes })
  if (parsed.kind === 'parsed') return parsed.value
  throw new Error(parsed.problems.join('\n'))
}

describe('calibration', () => {
  it('finds the costs again that a simulated live side was given', async () => {
    const bare = bareScenario(scenario())
    const requests = await twinRequests(bare, '.')
    const plans = calibrationOf(requests, ['small', 'large'], {
      warm: 1,
      alone: 3,
      together: 4,
      outputTokens: 16,
    })
    const truth = (model: string, stepUs: number): PathCost => ({
      model,
      stepUs,
      sequenceUs: 50,
      frontEndUs: 4_000,
      gatewayUs: null,
      requests: 3,
      spread: { stepUs: 0, frontEndUs: 0 },
    })
    const live = scenarioWithPath(bare, [truth('small', 1_200), truth('large', 1_500)])
    const seen = simulateSide(planOf(live), calibrationRequests(plans), {
      beginUs: 0,
      untilUs: undefined,
    }).requests
    const of = (records: readonly RequestRecord[]) =>
      seen.filter(({ id }) => records.some((r) => r.id === id))
    const asked = plans.map((plan) => ({
      plan,
      alone: of(plan.alone),
      together: of(plan.together),
      direct: [],
    }))
    const costs = pathCostsOf(asked, bare)
    expect(costs.map(({ model }) => model)).toEqual(['small', 'large'])
    for (const [i, stepUs] of [1_200, 1_500].entries()) {
      expect(costs[i].stepUs).toBeCloseTo(stepUs, -1)
      expect(Math.abs(costs[i].sequenceUs - 50)).toBeLessThan(5)
      expect(Math.abs(costs[i].frontEndUs - 4_000)).toBeLessThan(50)
    }
  })
})

describe('what is played', () => {
  it('is the same for both sides: clients allow no more than they will get', async () => {
    const requests = await twinRequests(scenario(), '.')
    expect(requests.length).toBeGreaterThan(5)
    expect(requests.every((request) => request.maxOutputTokens === request.outputTokens)).toBe(true)
  })

  it('is asked with prompts of exactly so many tokens, alike as far as prefixes are', () => {
    const request = (id: string, promptTokens: number, prefixBlocks?: readonly number[]): RequestRecord => ({
      id,
      arrivalUs: 0,
      model: 'm',
      promptTokens,
      outputTokens: 1,
      priority: 0,
      tenant: undefined,
      deadlineUs: undefined,
      session: undefined,
      prefixBlocks,
      prefixBlockTokens: prefixBlocks === undefined ? 0 : 16,
    })
    for (const tokens of [1, 2, 16, 1_000]) expect(promptText(request('r1', tokens))).toHaveLength(4 * tokens)
    const [one, other] = [promptText(request('r1', 100, [7, 8])), promptText(request('r2', 100, [7, 8]))]
    expect(one.slice(0, 128)).toBe(other.slice(0, 128))
    expect(one.slice(128, 160)).not.toBe(other.slice(128, 160))
    expect(promptText(request('r1', 100, [7, 9])).slice(0, 128)).not.toBe(one.slice(0, 128))
    expect(promptText(request('r1', 20, [7, 8]))).toHaveLength(80)
  })
})

describe('a scenario for a live cluster', () => {
  it('must not ask for what only the simulator does', () => {
    expect(twinProblems(scenario())).toEqual([])
    const [generator] = input.workload.generators
    const problems = twinProblems(
      scenario({
        engine: { hostStepMs: 2 },
        models: [{ ...input.models[0], pools: [{ pool: 'group', joinS: 3 }] }],
        workload: {
          generators: [{ ...generator, arrivals: { kind: 'closed-loop', users: 2 }, requests: 9 }],
        },
      }),
    )
    expect(problems).toHaveLength(3)
    expect(problems.join('\n')).toMatch(/closed-loop[^]*hostStepMs is 2[^]*joinS/)
  })

  it('is the same cluster in another motion: all that takes time is stretched, and nothing else', () => {
    const plan = planOf(scenario())
    const slow = inMotion(plan, 0.25)
    const usual = poolSettingsSchema.parse({})
    expect(slow.settings).toMatchObject({
      roundUs: 4 * usual.roundUs,
      leaseUs: 4 * usual.leaseUs,
      deadZone: 0.1,
    })
    expect({ ...slow, settings: plan.settings }).toEqual(plan)
    const times = Object.keys(usual).filter((name) => name.endsWith('Us'))
    const stretched = times.filter(
      (name) => Reflect.get(slow.settings, name) === 4 * Number(Reflect.get(usual, name)),
    )
    expect(stretched).toEqual(times)
    const aged = scenarioInMotion(scenario({ engine: { agingPerS: 2 } }), 0.25)
    expect(aged.engine.agingPerS).toBe(0.5)
  })
})

describe('options of the live side', () => {
  it('are a private cluster in real time unless something else is said', () => {
    expect(liveOptions({})).toBeUndefined()
    expect(liveOptions({ live: true })).toEqual({ target: { kind: 'private' }, speed: 1 })
    expect(liveOptions({ live: true, speed: '0.25' })).toEqual({ target: { kind: 'private' }, speed: 0.25 })
    const urls = { gateway: 'http://127.0.0.1:8080/', coordinator: 'http://127.0.0.1:8081' }
    expect(liveOptions({ live: true, ...urls })).toEqual({
      target: { kind: 'running', gateway: 'http://127.0.0.1:8080', coordinator: 'http://127.0.0.1:8081' },
      speed: 1,
    })
  })

  it.each([
    [{ speed: '2' }, '--live'],
    [{ live: true, speed: '0' }, '0.01'],
    [{ live: true, speed: 'fast' }, 'fast'],
    [{ live: true, gateway: 'http://127.0.0.1:8080' }, '--coordinator'],
    [{ live: true, coordinator: 'http://127.0.0.1:8081' }, '--gateway'],
    [{ live: true, gateway: 'here', coordinator: 'http://127.0.0.1:8081' }, 'here'],
    [{ live: true, speed: '2', gateway: 'http://g:1', coordinator: 'http://c:1' }, '--speed'],
  ] as const)('refuse %j', (raw, named) => {
    expect(() => liveOptions(raw)).toThrow(BadInput)
    expect(() => liveOptions(raw)).toThrow(named)
  })
})
