import { type Blocks, type Bytes, invariant, type Tokens } from '@kvasir/kernel'
import type { Gpu } from './gpu.js'
import type { Model } from './model.js'
import { type ExpertSharing, isRoutedExpert, layerGroups } from './model-matrices.js'
import { kvBytesPerTokenPerRank, weightBytesPerRank } from './model-size.js'
import { ACTIVATION_BYTES } from './rank-rates.js'
import { type SplitRefusal, splitRefusal } from './tensor-parallel.js'

const MEBIBYTE = 1024 * 1024

/**
 * What the driver reports as total but programs never see: 438 MiB on H100 (81,559 MiB in nvidia-smi, 79.22 GiB in vLLM pull
 * request 10511), 483 MiB on RTX 4090 (24,564 MiB; 25,250,627,584 bytes in llmservingsim_vllm_runs.json).
 */
const DRIVER_BYTES = 460 * MEBIBYTE

/** CUDA context, libraries and captured graphs: what the RTX 4090 run of llmservingsim_vllm_runs.json leaves after the rest. */
const RUNTIME_BYTES = 480 * MEBIBYTE

/** Buffers of collectives on each rank of a group; an assumption of the size of NCCL's and vLLM's own together. */
const COLLECTIVE_BYTES = 1024 * MEBIBYTE

// Sampling sorts: logits and their copy in 32 bit, and indices in 64.
const SAMPLER_BYTES_PER_LOGIT = 4 + 4 + 8

/** What an engine on a group needs memory for besides KV. */
export interface EngineFootprintOptions extends ExpertSharing {
  readonly tp: number
  readonly model: Model
  /** Most tokens and sequences of one step: the engine runs such a step at the start to see what it takes. */
  readonly stepTokenLimit: Tokens
  readonly sequenceLimit: number
}

/** Bytes on each rank. */
export interface EngineFootprint {
  readonly weightBytesPerRank: Bytes
  readonly activationBytesPerRank: Bytes
  readonly runtimeBytesPerRank: Bytes
}

/** One engine alone on its group, as vLLM starts it. */
export interface EngineMemoryOptions extends EngineFootprintOptions {
  readonly gpu: Gpu
  readonly blockSize: Tokens
  readonly memoryUtilisation?: number
  /** The number of blocks as the user gives it, in place of what fits. */
  readonly numGpuBlocks?: Blocks
}

export type EngineMemory = EngineMemoryFit | EngineMemoryRefusal | SplitRefusal

export interface EngineMemoryFit extends EngineFootprint {
  readonly kind: 'fits'
  readonly blocks: Blocks
  readonly tokens: Tokens
  readonly blockBytesPerRank: Bytes
  readonly usableBytesPerRank: Bytes
}

export interface EngineMemoryRefusal {
  readonly kind: 'refused'
  readonly reason: 'no_memory_for_kv'
  readonly model: string
  readonly usableBytesPerRank: Bytes
  readonly neededBytesPerRank: Bytes
}

/** KV blocks as an engine derives them: its share of the memory less weights, the largest step's activations and the runtime. */
export function engineMemory(options: EngineMemoryOptions): EngineMemory {
  const { gpu, tp, model, blockSize, numGpuBlocks } = options
  const refusal = splitRefusal(model, tp)
  if (refusal !== undefined) return refusal
  const usableBytesPerRank = usableBytes(gpu, options.memoryUtilisation)
  const footprint = engineFootprint(options)
  const blockBytesPerRank = kvBytesPerTokenPerRank(model, tp) * blockSize
  const taken =
    footprint.weightBytesPerRank + footprint.activationBytesPerRank + footprint.runtimeBytesPerRank
  const blocks = numGpuBlocks ?? Math.floor((usableBytesPerRank - taken) / blockBytesPerRank)
  if (blocks >= 1) {
    const tokens = blocks * blockSize
    return { kind: 'fits', blocks, tokens, blockBytesPerRank, usableBytesPerRank, ...footprint }
  }
  return {
    kind: 'refused',
    reason: 'no_memory_for_kv',
    model: model.name,
    usableBytesPerRank,
    neededBytesPerRank: taken + blockBytesPerRank,
  }
}

/** vLLM's default share of a GPU's memory (`gpu_memory_utilization`). */
export const MEMORY_UTILISATION_DEFAULT = 0.9

/** The share of a GPU's memory that programs may use. */
export function usableBytes(gpu: Gpu, memoryUtilisation = MEMORY_UTILISATION_DEFAULT): Bytes {
  const valid = memoryUtilisation > 0 && memoryUtilisation <= 1
  invariant(valid, () => `memory utilisation ${memoryUtilisation}: above 0 and at most 1 is needed`)
  return Math.floor((gpu.memoryBytes - DRIVER_BYTES) * memoryUtilisation)
}

/** Every engine is a process of its own: its weights, its largest step and its runtime, whatever its neighbours have. */
export function engineFootprint(options: EngineFootprintOptions): EngineFootprint {
  const { model, tp } = options
  const ranks = tp * (options.dataParallel ?? 1)
  return {
    weightBytesPerRank: weightBytesPerRank(model, tp, options),
    activationBytesPerRank: activationBytes(options),
    runtimeBytesPerRank: RUNTIME_BYTES + (ranks > 1 ? COLLECTIVE_BYTES : 0),
  }
}

/**
 * The widest moment of the largest step: two hidden states and gate, up and their product, of the widest layer; and the sampler
 * over every sequence's logits, which the whole vocabulary is collected for on each rank. A step has no more sequences than tokens
 * (vllm/v1/worker/gpu_model_runner.py, `_dummy_run`: num_reqs = min(num_tokens, max_num_reqs)).
 */
function activationBytes(options: EngineFootprintOptions): Bytes {
  const { model, tp, stepTokenLimit, sequenceLimit } = options
  let widest = 0
  for (const group of layerGroups(model, tp, options)) {
    for (const matrix of group.matrices) {
      if (!matrix.name.endsWith('gate_up')) continue
      const visits = isRoutedExpert(matrix) ? matrix.copiesPerToken : 1
      widest = Math.max(widest, 1.5 * matrix.outputs * visits)
    }
  }
  const perToken = (2 * model.hiddenSize + widest) * ACTIVATION_BYTES
  const sequences = Math.min(sequenceLimit, stepTokenLimit)
  return Math.ceil(stepTokenLimit * perToken + sequences * model.vocabularySize * SAMPLER_BYTES_PER_LOGIT)
}
