import type { Bytes } from '@kvasir/kernel'
import type { Model } from './model.js'
import type { LayerGroup } from './model-matrices.js'
import { ACTIVATION_BYTES, memoryUs, type Rank } from './rank-rates.js'

/**
 * Traffic of a layer's small kernels: two norms that read and write the residual and its output (8 passes over the hidden
 * state), rotary positions and the cache write (read and write what was projected), the activation (two in, one out).
 */
export function elementwiseBytes(model: Model, group: LayerGroup, tokens: number): Bytes {
  let perToken = 8 * model.hiddenSize
  for (const matrix of group.matrices) {
    if (matrix.name === 'query_key_value' || matrix.name === 'expand_query') perToken += 2 * matrix.outputs
    if (matrix.name.endsWith('gate_up')) perToken += 1.5 * matrix.outputs * matrix.copiesPerToken
  }
  return tokens * perToken * ACTIVATION_BYTES
}

/** Microseconds of the small kernels of one layer, which move `bytes` together, by roofline. */
export function smallKernelsUs({ gpu, efficiency }: Rank, bytes: Bytes): number {
  const { perLayer, eachUs } = efficiency.smallKernels
  return perLayer * eachUs + memoryUs(gpu, bytes) / efficiency.product.memory
}
