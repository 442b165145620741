import { parseScenario, type PolicyName, type Scenario, type TraceRecord } from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'
import type { RequestRecord } from '@kvasir/workload'
import { describe, expect, it } from 'vitest'
import type { ClusterPlan, RemoteGroupPlan } from './cluster-plan.js'
import { planCluster } from './plan/plan-cluster.js'
import { Simulation } from './simulation.js'
import { LawWatch } from './testing/law-watch.js'
import { randomCluster } from './testing/random-cluster.js'

const TOKENS = 41
const ARITHMETIC_US = 10_000
/** Round trip 1.4 ms, tokens out 0.6 ms. */
const WAY = { latencyMs: 0.7, outputMs: 0.6, outputSequenceMs: 0.1 }

function scenario(models: readonly string[], engine: object, policy: PolicyName = 'uncoordinated'): Scenario {
  const parsed = parseScenario({
    name: 'lines',
    durationS: 1,
    // Strictly in turn, whatever budgets say, unless something else is asked for.
    policy,
    cluster: { groups: [{ id: 'g', gpu: 'H100', tp: 4 }] },
    models: models.map((name) => ({ name, architecture: 'Qwen3-32B', pools: ['g'] })),
    engine: {
      fixedStepMs: ARITHMETIC_US / 1_000,
      host: 'none',
      frontEndMs: 0,
      planAhead: false,
      ...engine,
    },
    workload: {
      generators: [
        {
          model: models[0],
          arrivals: { kind: 'poisson', ratePerS: 1 },
          lengths: { prompt: { kind: 'fixed', tokens: 1 }, output: { kind: 'fixed', tokens: 1 } },
        },
      ],
    },
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  return parsed.value
}

/** Mean time per token of each request, when all of them come after a second. */
function tpotUs(
  models: readonly string[],
  engine: object,
  {
    policy,
    shorter = 0,
  }: {
    readonly policy?: PolicyName /** Each answer by so many tokens than the one before it. */
    readonly shorter?: number
  } = {},
): { readonly all: readonly number[]; readonly busyUs: number } {
  const planned = planCluster(scenario([...new Set(models)], engine, policy))
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  const requests = models.map(
    (model, i): RequestRecord => ({
      id: `r${i}`,
      arrivalUs: 1_000_000,
      model,
      promptTokens: 16,
      outputTokens: TOKENS - i * shorter,
      maxOutputTokens: TOKENS - i * shorter,
      priority: 0,
      tenant: undefined,
      deadlineUs: undefined,
      session: undefined,
      prefixBlocks: undefined,
      prefixBlockTokens: 0,
    }),
  )
  let at = 0
  const seen = new Map<string, number>()
  const simulation = new Simulation(planned.value.plan, {
    requests: { next: () => requests[at++] },
    trace: (record: TraceRecord) => {
      if (record.event === 'complete')
        seen.set(record.req_id, (record.e2e_us - record.ttft_us) / (TOKENS - 1))
    },
  })
  while (!simulation.run(100_000));
  const { pools } = simulation.result().summary
  const all = requests.map(({ id }) => seen.get(id) ?? Number.NaN)
  return { all, busyUs: Math.round(pools['g'].utilisation * simulation.nowUs) }
}

describe('a group in another process', () => {
  it('is waited for by an engine alone: the way there and back, and its tokens on their way out', () => {
    const [beside] = tpotUs(['a'], {}).all
    const [remote] = tpotUs(['a'], { remoteGroup: WAY }).all
    expect(beside).toBe(ARITHMETIC_US)
    expect(remote).toBe(ARITHMETIC_US + 1_400 + 600)
  })

  it('takes so much more for each further sequence of a step', () => {
    const { all } = tpotUs(['a', 'a', 'a'], { remoteGroup: WAY })
    for (const each of all) expect(each).toBeCloseTo(ARITHMETIC_US + 1_400 + 600 + 200, -2)
  })

  it('computes for another engine while tokens go out, but waits for words in between', () => {
    const { all } = tpotUs(['a', 'b'], { remoteGroup: WAY })
    for (const each of all) expect(each).toBeCloseTo(2 * (ARITHMETIC_US + 1_400), -3)
  })

  it('is busy with arithmetic alone', () => {
    expect(tpotUs(['a'], { remoteGroup: WAY }).busyUs).toBe(tpotUs(['a'], {}).busyUs)
  })

  it('lets an engine send its next step as soon as it hears of one in which sequences end', () => {
    for (const policy of ['uncoordinated', 'weighted-max-min'] as const) {
      const { all } = tpotUs(['a', 'a', 'a'], { remoteGroup: WAY }, { policy, shorter: 7 })
      expect(all.every(Number.isFinite), policy).toBe(true)
    }
  })

  it('is refused for engines in lock step', () => {
    const base = scenario(['a'], { remoteGroup: WAY })
    const planned = planCluster({
      ...base,
      cluster: {
        ...base.cluster,
        groups: [
          { id: 'g', gpu: 'H100', tp: 4 },
          { id: 'h', gpu: 'H100', tp: 4 },
        ],
      },
      models: [{ ...base.models[0], architecture: 'Qwen3-30B-A3B', pools: ['g', 'h'], dataParallel: 2 }],
    })
    expect(planned).toMatchObject({ kind: 'refused', problems: [expect.stringContaining('remoteGroup')] })
  })
})

const CLUSTERS = 12
const FIRST_SEED = 1
const EVENTS_MAX = 60_000

function remote(plan: ClusterPlan, remoteGroup: RemoteGroupPlan): ClusterPlan {
  return { ...plan, models: plan.models.map((model) => ({ ...model, remoteGroup })) }
}

function runWatched(seed: number): void {
  const { plan, requests } = randomCluster(seed)
  const way = { latencyUs: 50 + 97 * seed, outputUs: 31 * seed, outputSequenceUs: 20 }
  const watch = new LawWatch(plan)
  const simulation = new Simulation(remote(plan, way), {
    requests: requests(),
    trace: (record) => watch.record(record),
    inspect: (world) => watch.inspect(world),
  })
  while (!simulation.run(10_000))
    invariant(simulation.events < EVENTS_MAX, () => `${simulation.events} events`)
  expect(simulation.result().summary.conditions).not.toContain('stuck')
  watch.close(simulation)
}

describe('engines a message away from their groups', () => {
  it(`keep the laws in ${CLUSTERS} random clusters from seed ${FIRST_SEED}`, { timeout: 60_000 }, () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CLUSTERS; seed++) {
      try {
        runWatched(seed)
      } catch (error) {
        throw new Error(`random cluster with seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  })
})
