import type { EngineSpec, ModelSpec, Scenario, SloTargets } from '@kvasir/contracts'
import { kvGeometry } from '@kvasir/hardware'
import { invariant, MICROS_PER_SECOND, millisToMicros } from '@kvasir/kernel'
import { defaultSchedulerConfig, type SchedulerConfig } from '@kvasir/scheduler'
import type { ModelPlan, Slo } from '../cluster-plan.js'
import type { PlacedModel, PoolDraft } from './pool-draft.js'

/** Tokens of a KV block: vLLM's default on NVIDIA GPUs. */
export const DEFAULT_BLOCK_SIZE = 16

/** Host cost of a current engine: scheduling overlaps the step before. */
export const DEFAULT_HOST = 'vllm-async'

/** What a model's engines are told: the scenario's settings for all, then the model's own. */
export function engineSpecOf(scenario: Scenario, spec: ModelSpec): EngineSpec {
  return { ...scenario.engine, ...spec.engine }
}

/** `pools`: those that serve the model. */
export function modelPlan(
  scenario: Scenario,
  spec: ModelSpec,
  placed: PlacedModel,
  pools: readonly PoolDraft[],
): ModelPlan {
  const engine = engineSpecOf(scenario, spec)
  const { weight, guarantee, limit, priority, preemptible, group } = spec
  const shared = pools.some((pool) => pool.placed.length > 1)
  return {
    name: spec.name,
    architecture: placed.model.name,
    terms: { weight, guarantee, limit, priority, preemptible, ...(group === undefined ? {} : { group }) },
    slo: sloOf({ ...scenario.slo, ...spec.slo }),
    blockSize: placed.blockSize,
    host: engine.host ?? DEFAULT_HOST,
    placement: engine.placement ?? (shared ? 'fullest-bundle' : 'queue-order'),
    scheduler: schedulerConfig(engine, contextLimit(engine, placed, pools, limit)),
  }
}

function sloOf({ ttftMs, tpotMs, e2eMs }: SloTargets): Slo {
  const micros = (millis: number | undefined) => (millis === undefined ? undefined : millisToMicros(millis))
  return { ttftUs: micros(ttftMs), tpotUs: micros(tpotMs), e2eUs: micros(e2eMs) }
}

/**
 * The model's own context, what the scenario allows, and what the smallest of its pools could ever hold of one
 * sequence.
 */
function contextLimit(
  engine: EngineSpec,
  { model, blockSize }: PlacedModel,
  pools: readonly PoolDraft[],
  limit: number,
): number {
  const holdable = pools.map((pool) => {
    const geometry = kvGeometry({
      model,
      tp: pool.group.tp,
      blockSize,
      pagesPerBundle: pool.pagesPerBundle(),
    })
    invariant(
      geometry.kind === 'fits',
      () => `no block of ${model.name} fits into a bundle of ${pool.group.id}`,
    )
    return Math.floor(pool.memory().bundles * limit) * geometry.tokensPerBundle
  })
  return Math.min(model.contextTokensMax, engine.contextLimit ?? Infinity, ...holdable)
}

function schedulerConfig(engine: EngineSpec, contextLimit: number): SchedulerConfig {
  const base = defaultSchedulerConfig
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
    order: engine.order ?? base.order,
    agingPerUs: engine.agingPerS === undefined ? base.agingPerUs : engine.agingPerS / MICROS_PER_SECOND,
    preemptive: engine.preemptive ?? base.preemptive,
    victim: engine.victim ?? base.victim,
    queueLimit: engine.queueLimit ?? base.queueLimit,
  }
}
