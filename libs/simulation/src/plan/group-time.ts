import {
  createStepCost,
  decodeShape,
  type Model,
  prefillShape,
  splitRefusal,
  type StepCostModel,
} from '@kvasir/hardware'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import type { TpGroup } from './groups.js'

/** What the requests of one model add up to. */
export interface ModelTraffic {
  readonly requests: number
  readonly promptTokens: number
  readonly outputTokens: number
}

/** By model name: gives models that say no `replicas` as many as their traffic deserves. */
export type ModelDemand = ReadonlyMap<string, ModelTraffic>

/** Steps as engines make them. */
export interface StepSizes {
  readonly chunkTokens: number
  readonly decodeBatch: number
}

// Under moderate load. Placement needs no more than the right proportions.
const MODERATE: StepSizes = { chunkTokens: 2_048, decodeBatch: 32 }

/** Seconds that a TP group would spend on `traffic`: prompts in chunks, outputs in batches, at mean lengths. */
export function groupTimeS(model: Model, group: TpGroup, traffic: ModelTraffic): number {
  // A model that the group cannot split is judged on one GPU: it will be placed elsewhere.
  const tp = splitRefusal(model, group.tp) === undefined ? group.tp : 1
  return trafficTimeS(createStepCost({ gpu: group.gpu, model, tp }), traffic, MODERATE)
}

export function trafficTimeS(cost: StepCostModel, traffic: ModelTraffic, sizes: StepSizes): number {
  const { requests, promptTokens, outputTokens } = traffic
  if (requests === 0) return 0
  const { chunkTokens, decodeBatch } = sizes
  const prompt = promptTokens / requests
  const context = Math.max(1, Math.round(prompt + outputTokens / requests / 2))
  const chunk = prefillShape({ tokens: chunkTokens, computedTokens: Math.round(prompt / 2) })
  const batch = decodeShape({ sequences: decodeBatch, contextTokens: context })
  const prefillUs = (promptTokens * cost.stepUs(chunk)) / chunkTokens
  const decodeUs = (outputTokens * cost.stepUs(batch)) / decodeBatch
  return (prefillUs + decodeUs) / MICROS_PER_SECOND
}
