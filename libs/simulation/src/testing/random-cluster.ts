import { type EngineTerms, type PolicyName, poolSettingsSchema } from '@kvasir/contracts'
import { knownGpu, knownModel, kvGeometry, pagesPerBundleFor } from '@kvasir/hardware'
import { invariant, MICROS_PER_SECOND, SeededRng } from '@kvasir/kernel'
import {
  defaultAgingPerS,
  defaultSchedulerConfig,
  orderPolicies,
  type SchedulerConfig,
  whyNotPreemptive,
} from '@kvasir/scheduler'
import type { RequestRecord, RequestStream } from '@kvasir/workload'
import type { ClusterPlan, EnginePlan, ModelPlan, PoolPlan } from '../cluster-plan.js'

const ARCHITECTURES = ['Llama-3.1-8B', 'Qwen3-14B', 'Qwen3-32B', 'Llama-3.1-70B'] as const

export interface RandomCluster {
  readonly plan: ClusterPlan
  readonly requests: () => RequestStream
}

export interface RandomClusterOptions {
  readonly policy?: PolicyName
  readonly prefixCaching?: boolean
  readonly sharing?: PoolPlan['sharing']
}

/**
 * A small cluster under memory pressure, with engines that join and leave, drawn from `seed`. Pools are far smaller than real
 * ones, so that a few dozen requests meet every refusal, preemption and reclaim there is.
 */
export function randomCluster(seed: number, options: RandomClusterOptions = {}): RandomCluster {
  const rng = new SeededRng(seed, 'cluster')
  // Streams of their own: the other draws of a seed stay what they were.
  const orderRng = new SeededRng(seed, 'orders')
  const swapRng = new SeededRng(seed, 'swap')
  const between = (low: number, high: number) => low + rng.int(high - low + 1)
  const prefixCaching = options.prefixCaching ?? rng.uniform() < 0.5
  const blockSize = 16
  const tp = 4
  const models = Array.from({ length: between(1, 4) }, (_, i): ModelPlan => {
    const architecture = ARCHITECTURES[rng.int(ARCHITECTURES.length)]
    const terms: EngineTerms = {
      weight: between(1, 5),
      guarantee: rng.uniform() < 0.5 ? 0 : between(1, 20) / 100,
      limit: rng.uniform() < 0.8 ? 1 : between(50, 90) / 100,
      priority: between(0, 3),
      preemptible: rng.uniform() < 0.9,
    }
    return {
      name: `m${i}`,
      architecture,
      terms,
      slo: { ttftUs: 1_000_000, tpotUs: 100_000, e2eUs: undefined },
      blockSize,
      host: 'vllm-async',
      frontEnd: { latencyUs: 0, eachUs: 0 },
      plansAhead: i % 2 === 1,
      swapBytesPerRank: 2 ** 20 * swapRng.int(400),
      placement: rng.uniform() < 0.7 ? 'fullest-bundle' : 'queue-order',
      scheduler: {
        ...defaultSchedulerConfig,
        stepTokenLimit: between(64, 1024),
        sequenceLimit: between(2, 32),
        contextLimit: 4096,
        prefixCaching,
        ...randomOrder(orderRng),
        preemption: (['recompute', 'swap', 'cheapest'] as const)[swapRng.int(3)],
      },
    }
  })
  const pagesPerBundle = pagesPerBundleFor(
    models.map((model) => knownModel(model.architecture)),
    tp,
    blockSize,
  )
  const largestBlocks = Math.min(
    ...models.map((model) => {
      const geometry = kvGeometry({ model: knownModel(model.architecture), tp, blockSize, pagesPerBundle })
      invariant(geometry.kind === 'fits', () => `${model.architecture} does not fit`)
      return geometry.blocksPerBundle
    }),
  )
  const pools = Array.from(
    { length: between(1, 2) },
    (_, i): PoolPlan => ({
      id: `p${i}`,
      gpu: knownGpu('H100').name,
      tp,
      pagesPerBundle,
      // Enough for a few hundred to a few thousand tokens.
      bundles: Math.ceil(between(24, 160) / largestBlocks) + between(4, 20),
      ...(options.sharing === undefined ? {} : { sharing: options.sharing }),
    }),
  )
  const engines: EnginePlan[] = []
  for (const model of models) {
    for (const pool of pools) {
      if (engines.some((engine) => engine.model === model.name) && rng.uniform() < 0.5) continue
      const joinUs = rng.uniform() < 0.7 ? 0 : between(0, 1_500_000)
      const leaveUs = rng.uniform() < 0.75 ? undefined : joinUs + between(100_000, 3_000_000)
      engines.push({ id: `${model.name}-${pool.id}`, model: model.name, pool: pool.id, joinUs, leaveUs })
    }
  }
  const plan: ClusterPlan = {
    name: `random-${seed}`,
    seed,
    policy: options.policy ?? 'weighted-max-min',
    settings: poolSettingsSchema.parse({ minResidencyUs: rng.uniform() < 0.5 ? 0 : 200_000 }),
    clusterShares: seed % 2 === 0,
    dispatch: 'least-outstanding',
    network: { latencyUs: between(50, 500), jitterUs: between(0, 300) },
    pools,
    models,
    engines,
  }
  return { plan, requests: () => randomRequests(seed, plan) }
}

function randomOrder(rng: SeededRng): Partial<SchedulerConfig> {
  const order = rng.int(2) === 0 ? 'fcfs' : orderPolicies[rng.int(orderPolicies.length)]
  return {
    order,
    agingPerUs: defaultAgingPerS[order] / MICROS_PER_SECOND,
    preemptive: rng.int(2) === 0 && whyNotPreemptive(order) === undefined,
    predictor: (['oracle', 'max-tokens', 'learned'] as const)[rng.int(3)],
    shedUnreachable: rng.int(2) === 0,
  }
}

function randomRequests(seed: number, plan: ClusterPlan): RequestStream {
  const rng = new SeededRng(seed, 'requests')
  const limitRng = new SeededRng(seed, 'limits')
  const count = 15 + rng.int(40)
  let arrivalUs = 0
  let number = 0
  return {
    next(): RequestRecord | undefined {
      if (number === count) return undefined
      arrivalUs += rng.uniform() < 0.5 ? 0 : Math.round(rng.exponential() * 60_000)
      const promptTokens = 1 + Math.floor(rng.uniform() ** 3 * 1200)
      const prefixBlocks = rng.uniform() < 0.3 ? [rng.int(3), 100 + rng.int(3)] : undefined
      const model = plan.models[rng.int(plan.models.length)].name
      const outputTokens = 1 + Math.floor(rng.uniform() ** 2 * 120)
      const priority = rng.int(4)
      return {
        id: `r${number++}`,
        arrivalUs,
        model,
        promptTokens,
        outputTokens,
        maxOutputTokens: outputTokens + (limitRng.int(2) === 0 ? 0 : limitRng.int(400)),
        priority,
        tenant: `t${limitRng.int(3)}`,
        deadlineUs: limitRng.int(4) === 0 ? arrivalUs + limitRng.int(3_000_000) : undefined,
        session: undefined,
        prefixBlocks,
        prefixBlockTokens: prefixBlocks ? 128 : 0,
      }
    },
  }
}
