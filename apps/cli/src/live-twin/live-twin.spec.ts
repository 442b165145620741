import { parseScenario, poolSettingsSchema, type Scenario } from '@kvasir/contracts'
import { serveDevice, SimulatedGroup } from '@kvasir/devices'
import type { PathCost } from '@kvasir/experiment'
import { listenGrpc } from '@kvasir/platform'
import type { RequestRecord } from '@kvasir/workload'
import { describe, expect, it } from 'vitest'
import { BadInput } from '../bad-input.js'
import { bothMeasured, type Measured, pathCostsOf } from './calibrate-path.js'
import { liveOptions } from './live-options.js'
import { probeWay } from './probe-group.js'
import { promptText } from './prompt-text.js'
import { simulateSide } from './simulate-side.js'
import { calibrationOf, type CalibrationPlan, calibrationRequests, twinRequests } from './twin-requests.js'
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

/** As `PathCost` has it, of a cluster that is steady. */
function pathCost(model: string, stepUs: number, wayUs: number | null): PathCost {
  return {
    model,
    stepUs,
    wayUs,
    sequenceUs: 50,
    frontEndUs: 4_000,
    gatewayUs: null,
    requests: 3,
    spread: { stepUs: 0, wayUs: 0, frontEndUs: 0 },
  }
}

/** What would be measured on a cluster whose path takes this. */
function measuredOn(
  bare: Scenario,
  truth: readonly PathCost[],
  plans: readonly CalibrationPlan[],
): readonly Measured[] {
  const seen = simulateSide(planOf(scenarioWithPath(bare, truth)), calibrationRequests(plans), {
    beginUs: 0,
    untilUs: undefined,
  }).requests
  const of = (records: readonly RequestRecord[]) =>
    records.flatMap(({ id }) => seen.filter((request) => request.id === id))
  return plans.map((plan, i) => {
    const { wayUs } = truth[i]
    return {
      plan,
      alone: of(plan.alone),
      together: of(plan.together),
      direct: [],
      waysUs: wayUs === null ? [] : [wayUs - 10, wayUs, wayUs + 10],
    }
  })
}

describe('calibration', () => {
  it.each([
    ['of which engines work half by themselves', [600, 750]],
    ['whose groups nobody knows', [null, null]],
  ] as const)('finds the costs again of a live side %s', async (_, [small, large]) => {
    const bare = bareScenario(scenario())
    const plans = calibrationOf(await twinRequests(bare, '.'), ['small', 'large'], {
      warm: 1,
      alone: 3,
      together: 4,
      outputTokens: 16,
    })
    const truth = [pathCost('small', 1_200, small), pathCost('large', 1_500, large)]
    const once = measuredOn(bare, truth, plans)
    const costs = pathCostsOf(bothMeasured(once, once), bare)
    expect(costs.map(({ model }) => model)).toEqual(['small', 'large'])
    for (const [i, { stepUs, wayUs, sequenceUs, frontEndUs }] of truth.entries()) {
      expect(costs[i].requests).toBe(6)
      expect(costs[i].wayUs).toBe(wayUs)
      expect(costs[i].stepUs).toBeCloseTo(stepUs, -1)
      expect(Math.abs(costs[i].sequenceUs - sequenceUs)).toBeLessThan(8)
      expect(Math.abs(costs[i].frontEndUs - frontEndUs)).toBeLessThan(50)
    }
  })
})

describe('a group that is measured by itself', () => {
  it('says what its words take, whatever its steps take, and keeps nothing of its guest', async () => {
    const group = new SimulatedGroup({
      machine: { bundles: 4, arbitration: 'claims' },
      costOf: () => ({ stepUs: () => 1_500 }),
    })
    group.machine.step(0, { kind: 'fence', epoch: 7, nonce: 1 })
    const server = await listenGrpc('127.0.0.1:0', (grpc) => serveDevice(grpc, group))
    try {
      const [model] = planOf(scenario()).models
      const waysUs = await probeWay({ address: server.address, engine: { id: 'e' }, model }, 5)
      expect(waysUs).toHaveLength(5)
      for (const us of waysUs) expect(us).toBeGreaterThan(0)
      // The guest's last word is on its way.
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(group.machine.snapshot().tenants).toEqual([])
    } finally {
      server.close()
      group.close()
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
        engine: { hostStepMs: 2, remoteGroup: { latencyMs: 1 } },
        faults: [{ kind: 'engine', atS: 1 }],
        models: [{ ...input.models[0], pools: [{ pool: 'group', joinS: 3 }] }],
        workload: {
          generators: [{ ...generator, arrivals: { kind: 'closed-loop', users: 2 }, requests: 9 }],
        },
      }),
    )
    expect(problems).toHaveLength(5)
    expect(problems.join('\n')).toMatch(/faults[^]*closed-loop[^]*hostStepMs is 2[^]*remoteGroup[^]*joinS/)
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
    const aged = scenarioInMotion(scenario({ engine: { agingPerS: 2 }, slo: { tpotMs: 25 } }), 0.25)
    expect(aged.engine.agingPerS).toBe(0.5)
    expect(aged.slo).toEqual({ tpotMs: 100 })
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
