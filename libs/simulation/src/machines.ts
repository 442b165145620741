import type { PolicyName, PoolSettings } from '@kvasir/contracts'
import type { PoolOptions } from '@kvasir/coordinator-core'
import type { Arbitration } from '@kvasir/device-core'
import { EngineMachine } from '@kvasir/engine-core'
import {
  createStepCost,
  type ExpertSharing,
  fixedStepCost,
  type HostPreset,
  hostPresets,
  kvGeometry,
  type KvGeometry,
  recomputeUs,
  type StepCostModel,
  swapUs,
  tokenCost,
  withHostTimes,
} from '@kvasir/hardware'
import { invariant } from '@kvasir/kernel'
import { BlockPool, SwapSpace } from '@kvasir/kv-cache'
import { Scheduler } from '@kvasir/scheduler'
import { gpuOf, type ModelPlan, type PoolPlan, servedModel } from './cluster-plan.js'

// How plans become machines: the same for a simulated cluster and for live processes.

/** Engines that share one free list take turns; fixed shares are fixed in time too; else budgets decide. */
export function arbitrationOf(policy: PolicyName): Arbitration {
  if (policy === 'static') return 'partitioned'
  return policy === 'uncoordinated' ? 'round-robin' : 'claims'
}

/** Whether budgets and turns follow what requests are promised; where nobody coordinates they cannot, and the earlier system's did not. */
function heedsLatencies(policy: PolicyName): boolean {
  return arbitrationOf(policy) === 'claims' && policy !== 'kapsl-compat'
}

/** Step times of a model on a pool's group. */
export function stepCostOf(
  model: ModelPlan,
  pool: Pick<PoolPlan, 'gpu' | 'tp' | 'profile' | 'basis'>,
): StepCostModel {
  const cost = createStepCost({
    gpu: gpuOf(pool),
    model: servedModel(model),
    tp: pool.tp,
    host: hostOf(model),
    ...sharingOf(model),
    ...(pool.profile === undefined ? {} : { profile: pool.profile }),
    ...(pool.basis === undefined ? {} : { basis: pool.basis }),
  })
  return model.fixedStepUs === undefined ? cost : fixedStepCost(cost, model.fixedStepUs)
}

/** The fields of a plan, without those it leaves out. */
function sharingOf({ expertSplit, dataParallel }: ExpertSharing): ExpertSharing {
  return {
    ...(expertSplit === undefined ? {} : { expertSplit }),
    ...(dataParallel === undefined ? {} : { dataParallel }),
  }
}

function hostOf({ host, hostStepUs, hostSequenceUs }: ModelPlan): HostPreset {
  const preset: HostPreset | undefined = Object.entries(hostPresets).find(([known]) => known === host)?.[1]
  invariant(
    preset !== undefined,
    () => `host preset ${host} is not one of ${Object.keys(hostPresets).join(', ')}`,
  )
  return withHostTimes(preset, {
    ...(hostStepUs === undefined ? {} : { perStepUs: hostStepUs }),
    ...(hostSequenceUs === undefined ? {} : { perSequenceUs: hostSequenceUs }),
  })
}

/** A round's capacity before anything was measured: decodes of this many sequences with a short context. */
const NOMINAL_BATCH = 32
const NOMINAL_CONTEXT = 1024

function nominalRate(cost: StepCostModel): number {
  return Math.round(
    cost.tokensPerSecond({
      sequences: NOMINAL_BATCH,
      totalTokens: NOMINAL_BATCH,
      decodeSequences: NOMINAL_BATCH,
      decodeContextTokens: NOMINAL_BATCH * NOMINAL_CONTEXT,
      prefillTokens: 0,
      prefillContextTokens: 0,
      prefillPairs: 0,
    }),
  )
}

export interface PoolParts {
  readonly pool: PoolPlan
  readonly policy: PolicyName
  readonly settings: PoolSettings
  /** Those served on the pool. */
  readonly models: readonly ModelPlan[]
  costOf(model: ModelPlan): StepCostModel
}

/** What the owner of a pool is told. */
export function poolOptionsOf({
  pool,
  policy,
  settings,
  models,
  costOf,
}: PoolParts): Omit<PoolOptions, 'epoch'> {
  const cheapest = Math.min(...models.map((model) => tokenCost(servedModel(model))))
  return {
    pool: pool.id,
    bundles: pool.bundles,
    policy,
    settings,
    terms: new Map(models.map((model) => [model.name, model.terms])),
    unitsPerToken: new Map(models.map((model) => [model.name, tokenCost(servedModel(model)) / cheapest])),
    nominalRate: new Map(models.map((model) => [model.name, nominalRate(costOf(model))])),
  }
}

/** One unit of a pool in those of the cluster, which are tokens of the model that costs are relative to. */
export function clusterUnitsOf({ settings, models }: Pick<PoolParts, 'settings' | 'models'>): number {
  if (settings.countTokens === 'plain') return 1
  return Math.min(...models.map((model) => tokenCost(servedModel(model))))
}

/** How the KV of a model lies in the bundles of a pool. @throws {InvariantError} when no block of it fits. */
export function geometryOf(model: ModelPlan, pool: PoolPlan): KvGeometry {
  const { tp, pagesPerBundle } = pool
  const geometry = kvGeometry({ model: servedModel(model), tp, blockSize: model.blockSize, pagesPerBundle })
  invariant(geometry.kind === 'fits', () => `${model.name} does not fit the bundles of ${pool.id}`)
  return geometry
}

export interface EngineParts {
  readonly engine: string
  /** Of the engine's process: each run has a higher one. */
  readonly incarnation: number
  readonly model: ModelPlan
  readonly pool: PoolPlan
  readonly policy: PolicyName
  readonly settings: PoolSettings
  /** Fraction of the group's time, where time is partitioned. */
  readonly share: number
  readonly cost: StepCostModel
  /** Its device is in another process. */
  readonly remote?: boolean
}

/** Steps that a prompt takes where a step's time says nothing of its size; else 1: the cost model knows the time of the whole. */
function fixedSteps({ fixedStepUs, scheduler }: ModelPlan, tokens: number): number {
  if (fixedStepUs === undefined) return 1
  return Math.ceil(tokens / (scheduler.longPrefillThreshold || scheduler.stepTokenLimit))
}

/** One engine, with its scheduler and its memory. */
export function makeEngine(parts: EngineParts): EngineMachine {
  const { engine, incarnation, model, pool, policy, settings, share, cost } = parts
  const { blocksPerBundle, blockBytesPerRank } = geometryOf(model, pool)
  const blocks = new BlockPool({
    blockSize: model.blockSize,
    blocksPerBundle,
    bundleCapacity: pool.bundles,
    placement: model.placement,
    prefixCaching: model.scheduler.prefixCaching,
  })
  const gpu = gpuOf(pool)
  const costs = {
    recomputeUs: (tokens: number) => recomputeUs(tokens, cost) * fixedSteps(model, tokens),
    swapUs: (count: number) => 2 * swapUs(count * blockBytesPerRank, gpu),
  }
  const hostBlocks = Math.floor(model.swapBytesPerRank / blockBytesPerRank)
  const scheduler = new Scheduler(model.scheduler, blocks, costs, new SwapSpace(hostBlocks))
  const { architecture, weightDtype, kvDtype, host } = model
  const served = {
    architecture,
    host,
    ...(weightDtype === undefined ? {} : { weightDtype }),
    ...(kvDtype === undefined ? {} : { kvDtype }),
  }
  const { roundUs, heartbeatUs, leaseUs, requestWithinUs, graceUs, cooldownUs } = settings
  return new EngineMachine(
    {
      engine,
      incarnation,
      model: model.name,
      served,
      blockBytesPerRank,
      share,
      roundUs,
      heartbeatUs,
      leaseUs,
      requestWithinUs,
      graceUs,
      leadUs: heartbeatUs,
      // Without a cooldown as well: who was denied would ask again in the same instant, for ever.
      backoffUs: Math.max(cooldownUs, roundUs),
      returnsIdle: policy === 'uncoordinated',
      ...(parts.remote === true ? { asksAhead: true } : {}),
      nominalRate: nominalRate(cost),
      ...(heedsLatencies(policy) && (model.slo.ttftUs ?? model.slo.tpotUs) !== undefined
        ? { promised: model.slo }
        : {}),
    },
    scheduler,
    blocks,
  )
}
