import { type Blocks, type Bytes, invariant, type Tokens } from '@kvasir/kernel'
import type { Gpu } from './gpu.js'
import type { Model } from './model.js'
import { type ExpertSplit, isRoutedExpert, layerGroups } from './model-matrices.js'
import { kvBytesPerTokenPerRank, weightBytesPerRank } from './model-size.js'
import { MEMORY_UTILISATION_DEFAULT } from './pool-memory.js'
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

/** One engine alone on its group, as vLLM starts it. */
export interface EngineMemoryOptions {
  readonly gpu: Gpu
  readonly tp: number
  readonly model: Model
  readonly blockSize: Tokens
  /** Most tokens and sequences of one step: the engine runs such a step at the start to see what it takes. */
  readonly stepTokenLimit: Tokens
  readonly sequenceLimit: number
  readonly memoryUtilisation?: number
  readonly expertSplit?: ExpertSplit
  /** The number of blocks as the user gives it, in place of what fits. */
  readonly numGpuBlocks?: Blocks
}

export type EngineMemory = EngineMemoryFit | EngineMemoryRefusal | SplitRefusal

export interface EngineMemoryFit {
  readonly kind: 'fits'
  readonly blocks: Blocks
  readonly tokens: Tokens
  readonly blockBytesPerRank: Bytes
  readonly usableBytesPerRank: Bytes
  readonly weightBytesPerRank: Bytes
  readonly activationBytesPerRank: Bytes
  readonly runtimeBytesPerRank: Bytes
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
  const { gpu, tp, model, blockSize, numGpuBlocks, expertSplit } = options
  const refusal = splitRefusal(model, tp)
  if (refusal !== undefined) return refusal
  const utilisation = options.memoryUtilisation ?? MEMORY_UTILISATION_DEFAULT
  invariant(
    utilisation > 0 && utilisation <= 1,
    () => `memory utilisation ${utilisation}: above 0 and at most 1 is needed`,
  )
  const sizes = {
    usableBytesPerRank: Math.floor((gpu.memoryBytes - DRIVER_BYTES) * utilisation),
    weightBytesPerRank: weightBytesPerRank(model, tp, expertSplit),
    activationBytesPerRank: activationBytes(options),
    runtimeBytesPerRank: RUNTIME_BYTES + (tp > 1 ? COLLECTIVE_BYTES : 0),
  }
  const blockBytesPerRank = kvBytesPerTokenPerRank(model, tp) * blockSize
  const taken = sizes.weightBytesPerRank + sizes.activationBytesPerRank + sizes.runtimeBytesPerRank
  const blocks = numGpuBlocks ?? Math.floor((sizes.usableBytesPerRank - taken) / blockBytesPerRank)
  if (blocks >= 1) return { kind: 'fits', blocks, tokens: blocks * blockSize, blockBytesPerRank, ...sizes }
  return {
    kind: 'refused',
    reason: 'no_memory_for_kv',
    model: model.name,
    usableBytesPerRank: sizes.usableBytesPerRank,
    neededBytesPerRank: taken + blockBytesPerRank,
  }
}

/**
 * The widest moment of the largest step: two hidden states and gate, up and their product, of the widest layer; and the sampler
 * over every sequence's logits, which the whole vocabulary is collected for on each rank.
 */
function activationBytes(options: EngineMemoryOptions): Bytes {
  const { model, tp, stepTokenLimit, sequenceLimit, expertSplit } = options
  let widest = 0
  for (const group of layerGroups(model, tp, expertSplit)) {
    for (const matrix of group.matrices) {
      if (!matrix.name.endsWith('gate_up')) continue
      const visits = isRoutedExpert(matrix) ? matrix.copiesPerToken : 1
      widest = Math.max(widest, 1.5 * matrix.outputs * visits)
    }
  }
  const perToken = (2 * model.hiddenSize + widest) * ACTIVATION_BYTES
  return Math.ceil(stepTokenLimit * perToken + sequenceLimit * model.vocabularySize * SAMPLER_BYTES_PER_LOGIT)
}
