export * from './cluster.js'
export * from './dtype.js'
export * from './gpu.js'
export { gpus } from './gpu-catalogue.js'
export * from './host-preset.js'
export * from './kernel-efficiency.js'
export * from './kv-geometry.js'
export * from './model.js'
export { models } from './model-catalogue.js'
export {
  activeParameterCount,
  type AttentionFlops,
  attentionFlopsPerPair,
  flopsPerToken,
  headFlopsPerToken,
  kvBytesPerToken,
  kvBytesPerTokenPerRank,
  layerFlopsPerToken,
  parameterCount,
  weightBytes,
  weightBytesPerRank,
} from './model-size.js'
export type { UnknownName } from './name-index.js'
export * from './pool-memory.js'
export * from './step-cost.js'
export * from './step-shape.js'
export * from './tensor-parallel.js'
export * from './token-cost.js'
export * from './transfer-cost.js'
