import { knownModel, type Model } from './model.js'
import { flopsPerToken } from './model-size.js'

/**
 * What one token of `model` costs in FLOPs, where a token of `reference` costs 1 (Llama-3-8B unless said otherwise). For
 * budgets of cost-weighted tokens; whoever needs integers scales and rounds.
 */
export function tokenCost(model: Model, reference: Model = knownModel('Llama-3-8B')): number {
  return flopsPerToken(model) / flopsPerToken(reference)
}
