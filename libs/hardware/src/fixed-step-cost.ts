import { MICROS_PER_SECOND, type Micros } from '@kvasir/kernel'
import type { StepBreakdown, StepCostModel } from './step-cost.js'

/**
 * A cost model in which every step takes `stepUs`, whatever it computes: that of simulators which count steps, or give each task a
 * rate of its own. Only the source stays that of `cost`; no time is about a GPU.
 */
export function fixedStepCost({ source }: Pick<StepCostModel, 'source'>, stepUs: Micros): StepCostModel {
  const none = { layersUs: 0, attentionUs: 0, communicationUs: 0, headUs: 0, computeUs: 0, memoryUs: 0 }
  const breakdown: StepBreakdown = { ...none, hostUs: stepUs, totalUs: stepUs }
  return {
    source,
    stepUs: ({ totalTokens }) => (totalTokens === 0 ? 0 : stepUs),
    breakdown: () => breakdown,
    tokensPerSecond: ({ totalTokens }) => (totalTokens * MICROS_PER_SECOND) / stepUs,
  }
}
