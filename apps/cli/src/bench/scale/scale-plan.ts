import { poolSettingsSchema } from '@kvasir/contracts'
import { knownModel, kvGeometry, pagesPerBundleFor } from '@kvasir/hardware'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { defaultSchedulerConfig } from '@kvasir/scheduler'
import type { ClusterPlan } from '@kvasir/simulation'
import { generateRequests, type LengthSpec, type RequestStream } from '@kvasir/workload'

/** A cluster of some size, and work in proportion to it. */
export interface ScaleShape {
  readonly engines: number
  /** Models on each TP group, an engine each. */
  readonly enginesPerPool: number
}

/** Of every engine, so that the work of an engine is the same in every size. */
const REQUESTS_PER_S = 0.5
export const SCALE_SECONDS = 5

const ARCHITECTURE = 'Llama-3.1-8B'
const TP = 2
const BLOCK_SIZE = 16
const CONTEXT = 4_096
/** Less than one request takes: an engine with work has to ask for what others do not use, or use less. */
const BLOCKS_PER_ENGINE = 24
/** Short ones, so that ten thousand engines take a minute. */
const PROMPT = { min: 200, max: 1_000 }
const OUTPUT = { min: 16, max: 48 }
/** Those of the earlier system's micro-benchmarks (prior-systems.md §5.3). */
const WEIGHTS = [1, 2, 3, 5, 8]

/** Every pool has the same models, an engine each; the last pool may have fewer. */
export function scalePlan({ engines, enginesPerPool }: ScaleShape): ClusterPlan {
  const architecture = knownModel(ARCHITECTURE)
  const pagesPerBundle = pagesPerBundleFor([architecture], TP, BLOCK_SIZE)
  const geometry = kvGeometry({ model: architecture, tp: TP, blockSize: BLOCK_SIZE, pagesPerBundle })
  if (geometry.kind !== 'fits') throw new Error(`${ARCHITECTURE} does not fit TP ${TP}`)
  const pools = Math.ceil(engines / enginesPerPool)
  const poolId = (pool: number) => `group-${String(pool).padStart(5, '0')}`
  return {
    name: 'bench-scale',
    seed: 1,
    policy: 'weighted-max-min',
    settings: poolSettingsSchema.parse({}),
    dispatch: 'least-outstanding',
    network: { latencyUs: 200, jitterUs: 50 },
    pools: Array.from({ length: pools }, (_, pool) => ({
      id: poolId(pool),
      gpu: 'H100',
      tp: TP,
      pagesPerBundle,
      bundles: Math.ceil((enginesPerPool * BLOCKS_PER_ENGINE) / geometry.blocksPerBundle),
    })),
    models: modelNames(Math.min(engines, enginesPerPool)).map((name, i) => ({
      name,
      architecture: ARCHITECTURE,
      terms: {
        weight: WEIGHTS[i % WEIGHTS.length],
        guarantee: 0,
        limit: 1,
        priority: i % 2,
        preemptible: true,
      },
      slo: { ttftUs: 2_000_000, tpotUs: 100_000, e2eUs: undefined },
      blockSize: BLOCK_SIZE,
      host: 'vllm-async',
      plansAhead: true,
      frontEnd: { latencyUs: 0, eachUs: 0 },
      swapBytesPerRank: 0,
      placement: 'fullest-bundle',
      scheduler: {
        ...defaultSchedulerConfig,
        stepTokenLimit: 512,
        sequenceLimit: 128,
        contextLimit: CONTEXT,
        prefixCaching: false,
      },
    })),
    engines: Array.from({ length: engines }, (_, engine) => ({
      id: `engine-${String(engine).padStart(6, '0')}`,
      model: modelName(engine % enginesPerPool),
      pool: poolId(Math.floor(engine / enginesPerPool)),
      joinUs: 0,
      leaveUs: undefined,
    })),
  }
}

/** Short requests, as many for every engine in the mean. */
export function scaleRequests({ engines, enginesPerPool }: ScaleShape): RequestStream {
  const lengths: LengthSpec = {
    kind: 'independent',
    prompt: { kind: 'uniform', ...PROMPT },
    output: { kind: 'uniform', ...OUTPUT },
  }
  return generateRequests(
    {
      name: 'scale',
      arrivals: { kind: 'poisson', ratePerS: engines * REQUESTS_PER_S },
      models: modelNames(Math.min(engines, enginesPerPool)).map((model) => ({ model, share: 1, lengths })),
      endUs: SCALE_SECONDS * MICROS_PER_SECOND,
    },
    1,
  )
}

function modelNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, model) => modelName(model))
}

function modelName(model: number): string {
  return `model-${String(model).padStart(5, '0')}`
}
