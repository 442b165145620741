import { createStepCost, decodeShape, type Model, prefillShape, splitRefusal } from '@kvasir/hardware'
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

// A step as engines under moderate load make it. Placement needs no more than the right proportions.
const PREFILL_CHUNK_TOKENS = 2_048
const DECODE_BATCH = 32

/** Seconds that a TP group would spend on `traffic`: prompts in chunks, outputs in batches, at mean lengths. */
export function groupTimeS(model: Model, group: TpGroup, traffic: ModelTraffic): number {
  const { requests, promptTokens, outputTokens } = traffic
  if (requests === 0) return 0
  // A model that the group cannot split is judged on one GPU: it will be placed elsewhere.
  const tp = splitRefusal(model, group.tp) === undefined ? group.tp : 1
  const cost = createStepCost({ gpu: group.gpu, model, tp })
  const prompt = promptTokens / requests
  const context = Math.round(prompt + outputTokens / requests / 2)
  const chunk = prefillShape({ tokens: PREFILL_CHUNK_TOKENS, computedTokens: Math.round(prompt / 2) })
  const batch = decodeShape({ sequences: DECODE_BATCH, contextTokens: context })
  const prefillUs = (promptTokens * cost.stepUs(chunk)) / PREFILL_CHUNK_TOKENS
  const decodeUs = (outputTokens * cost.stepUs(batch)) / DECODE_BATCH
  return (prefillUs + decodeUs) / MICROS_PER_SECOND
}
