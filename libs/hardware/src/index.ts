export * from './cluster.js'
export { type CostSource, profiledGpus } from './cost-source.js'
export * from './dtype.js'
export * from './engine-memory.js'
export * from './fixed-step-cost.js'
export * from './gpu.js'
export { gpus } from './gpu-catalogue.js'
export * from './host-preset.js'
export * from './kernel-efficiency.js'
export * from './kv-geometry.js'
export type { ExpertSharing, ExpertSplit } from './model-matrices.js'
export * from './model.js'
export { models, modelSource } from './model-catalogue.js'
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
export type { CalibrationPoint } from './profile/calibration-sets.js'
export { type CalibrationHeader, fitCalibration } from './profile/fit-calibration.js'
export { type Accuracy, accuracyOf, type Prediction } from './profile/accuracy.js'
export type { EngineTables } from './profile/engine-sets.js'
export {
  fitEngineProfile,
  fitKernelProfile,
  fitStepProfile,
  type KernelTables,
  type StepTables,
} from './profile/fit-profile.js'
export type * from './profile/kernel-profile.js'
export { MeasuredTable } from './profile/measured-table.js'
export { profileModule } from './profile/profile-module.js'
export { type SetAccuracy, validateKernels } from './profile/validate-kernels.js'
export * from './spatial-group.js'
export * from './spatial-step.js'
export * from './step-cost.js'
export * from './step-shape.js'
export * from './tensor-parallel.js'
export * from './token-cost.js'
export * from './transfer-cost.js'
export * from './transfer-queue.js'
