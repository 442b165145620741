import type {
  EngineSpec,
  EngineTerms,
  ModelSpec,
  RemoteGroupSpec,
  Scenario,
  SloTargets,
} from '@kvasir/contracts'
import { type ExpertSharing, type FrontEndCost, hostPresets, kvGeometry, type Model } from '@kvasir/hardware'
import { type Bytes, invariant, MICROS_PER_SECOND, millisToMicros } from '@kvasir/kernel'
import {
  defaultAgingPerS,
  defaultSchedulerConfig,
  type SchedulerConfig,
  whyNotPreemptive,
} from '@kvasir/scheduler'
import type { ModelPlan, PoolPlan, RemoteGroupPlan, Slo } from '../cluster-plan.js'
import type { PlacedModel, PoolDraft } from './pool-draft.js'

/** Tokens of a KV block: vLLM's default on NVIDIA GPUs. */
export const DEFAULT_BLOCK_SIZE = 16

/** Host cost of a current engine: scheduling overlaps the step before. */
export const DEFAULT_HOST = 'vllm-async'

/** What a model's engines are told: the scenario's settings for all, then the model's own. */
export function engineSpecOf(scenario: Scenario, spec: ModelSpec): EngineSpec {
  return { ...scenario.engine, ...spec.engine }
}

/** What a model's engines cannot do as they are told, as sentences. */
export function engineProblems(scenario: Scenario, spec: ModelSpec): readonly string[] {
  const engine = engineSpecOf(scenario, spec)
  const why = engine.preemptive === true ? whyNotPreemptive(orderOf(engine).order) : undefined
  return [
    ...(why === undefined ? [] : [`${why}; set preemptive: false, or another order, for model ${spec.name}`]),
    ...(engine.remoteGroup !== undefined && (spec.dataParallel ?? 1) > 1
      ? [
          `model ${spec.name} has dataParallel ${spec.dataParallel} and engine.remoteGroup; one of them must be left out: engines in lock step are simulated beside their groups only`,
        ]
      : []),
  ]
}

/** `pools`: those that serve the model. */
export function modelPlan(
  scenario: Scenario,
  spec: ModelSpec,
  placed: PlacedModel,
  pools: readonly PoolDraft[],
): ModelPlan {
  const { weight, guarantee, limit, priority, preemptible, group } = spec
  return servedPlan({
    name: spec.name,
    model: placed.model,
    terms: { weight, guarantee, limit, priority, preemptible, ...(group === undefined ? {} : { group }) },
    slo: sloOf({ ...scenario.slo, ...spec.slo }),
    engine: engineSpecOf(scenario, spec),
    sharing: placed.sharing,
    pools: pools.map((pool) => ({
      id: pool.group.id,
      tp: pool.group.tp,
      pagesPerBundle: pool.pagesPerBundle(),
      bundles: pool.memory().bundles,
    })),
    shared: pools.some((pool) => pool.placed.length > 1),
  })
}

export interface ServedOptions {
  readonly name: string
  /** In the number formats it is served in. */
  readonly model: Model
  readonly terms: EngineTerms
  readonly slo: Slo
  readonly engine: EngineSpec
  /** With whom it shares its experts; nobody unless said otherwise. */
  readonly sharing?: ExpertSharing
  /** Those that serve the model. */
  readonly pools: readonly Pick<PoolPlan, 'id' | 'tp' | 'pagesPerBundle' | 'bundles'>[]
  /** Whether other models are on any of them. */
  readonly shared: boolean
}

/** A model on pools that are known, every question answered. @throws {InvariantError} when no block of it fits into a bundle. */
export function servedPlan(options: ServedOptions): ModelPlan {
  const { name, model, terms, slo, engine, sharing, shared } = options
  const { blockSize = DEFAULT_BLOCK_SIZE } = engine
  return {
    name,
    architecture: model.name,
    terms,
    slo,
    blockSize,
    ...(engine.dtype === undefined ? {} : { weightDtype: engine.dtype }),
    ...(engine.kvDtype === undefined ? {} : { kvDtype: engine.kvDtype }),
    ...sharing,
    host: engine.host ?? DEFAULT_HOST,
    ...(engine.hostStepMs === undefined ? {} : { hostStepUs: engine.hostStepMs * 1000 }),
    ...(engine.hostSequenceMs === undefined ? {} : { hostSequenceUs: engine.hostSequenceMs * 1000 }),
    ...(engine.fixedStepMs === undefined
      ? {}
      : { fixedStepUs: Math.max(1, millisToMicros(engine.fixedStepMs)) }),
    frontEnd: frontEnd(engine),
    ...(engine.remoteGroup === undefined ? {} : { remoteGroup: remoteGroup(engine.remoteGroup) }),
    plansAhead: engine.planAhead ?? hostPresets[engine.host ?? DEFAULT_HOST].plansAhead,
    swapBytesPerRank: swapBytes(engine),
    placement: engine.placement ?? (shared ? 'fullest-bundle' : 'queue-order'),
    scheduler: schedulerConfig(engine, contextLimit(options, blockSize)),
  }
}

const GIBIBYTE = 2 ** 30

function swapBytes({ swapGiB, host = DEFAULT_HOST }: EngineSpec): Bytes {
  return swapGiB === undefined ? hostPresets[host].swapBytesPerRank : Math.floor(swapGiB * GIBIBYTE)
}

function frontEnd({ frontEndMs, host = DEFAULT_HOST }: EngineSpec): FrontEndCost {
  const preset = hostPresets[host].frontEnd
  if (frontEndMs === undefined) return preset
  const totalUs = millisToMicros(frontEndMs)
  const eachUs = Math.min(totalUs, preset.eachUs)
  return { eachUs, latencyUs: totalUs - eachUs }
}

function remoteGroup({ latencyMs, outputMs, outputSequenceMs }: RemoteGroupSpec): RemoteGroupPlan {
  return {
    latencyUs: millisToMicros(latencyMs),
    outputUs: outputMs * 1000,
    outputSequenceUs: outputSequenceMs * 1000,
  }
}

/** Of requests, as they are promised it. */
export function sloOf({ ttftMs, tpotMs, e2eMs }: SloTargets): Slo {
  const micros = (millis: number | undefined) => (millis === undefined ? undefined : millisToMicros(millis))
  return { ttftUs: micros(ttftMs), tpotUs: micros(tpotMs), e2eUs: micros(e2eMs) }
}

/**
 * The model's own context, what the scenario allows, and what the smallest of its pools could ever hold of one
 * sequence.
 */
function contextLimit({ model, terms, engine, pools }: ServedOptions, blockSize: number): number {
  const holdable = pools.map(({ id, tp, pagesPerBundle, bundles }) => {
    const geometry = kvGeometry({ model, tp, blockSize, pagesPerBundle })
    invariant(geometry.kind === 'fits', () => `no block of ${model.name} fits into a bundle of ${id}`)
    return Math.floor(bundles * terms.limit) * geometry.tokensPerBundle
  })
  return Math.min(model.contextTokensMax, engine.contextLimit ?? Infinity, ...holdable)
}

function orderOf({ order = defaultSchedulerConfig.order, agingPerS = defaultAgingPerS[order] }: EngineSpec) {
  return { order, agingPerS }
}

function schedulerConfig(engine: EngineSpec, contextLimit: number): SchedulerConfig {
  const base = defaultSchedulerConfig
  const { order, agingPerS } = orderOf(engine)
  return {
    ...base,
    stepTokenLimit: engine.stepTokenLimit ?? base.stepTokenLimit,
    prefillTokenLimit: engine.prefillTokenLimit ?? base.prefillTokenLimit,
    sequenceLimit: engine.sequenceLimit ?? base.sequenceLimit,
    contextLimit,
    chunkedPrefill: engine.chunkedPrefill ?? base.chunkedPrefill,
    longPrefillThreshold: engine.longPrefillThreshold ?? base.longPrefillThreshold,
    prefixCaching: engine.prefixCaching ?? base.prefixCaching,
    watermark: engine.watermark ?? base.watermark,
    reserveFullSequence: engine.reserveFullSequence ?? base.reserveFullSequence,
    order,
    agingPerUs: agingPerS / MICROS_PER_SECOND,
    preemptive: engine.preemptive ?? base.preemptive,
    predictor: engine.predictor ?? base.predictor,
    predictorQuantile: engine.predictorQuantile ?? base.predictorQuantile,
    victim: engine.victim ?? base.victim,
    preemption: engine.preemption ?? base.preemption,
    queueLimit: engine.queueLimit ?? base.queueLimit,
    shedUnreachable: engine.shedUnreachable ?? base.shedUnreachable,
  }
}
