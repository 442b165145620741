import type { Bytes, Micros } from '@kvasir/kernel'
import type { GpuArchitecture } from './gpu.js'
import type { KernelEfficiency, ProductEfficiency } from './kernel-efficiency.js'

/**
 * What an engine generation costs besides its kernels. The host's own time of a step of s sequences and L layers is
 * perStepUs + perLayerUs * L, and
 *
 *   added:       gpu + host + perSequenceUs * s           the GPU waits for the host
 *   overlapped:  sqrt(gpu^2 + host^2) + perSequenceUs * s  launches run ahead of the GPU as far as they can
 */
export interface HostPreset {
  readonly name: string
  readonly combination: 'added' | 'overlapped'
  readonly perStepUs: number
  readonly perSequenceUs: PerArchitecture
  readonly perLayerUs: PerArchitecture
  /** What each sum over a TP group takes besides its kernel: ranks that wait for each other's launches. */
  readonly perAllReduceUs: number
  readonly frontEnd: FrontEndCost
  /**
   * Whether the next step is planned when one begins (vLLM's asynchronous scheduling, its default since 0.14; vllm/v1/engine/core.py,
   * step_with_batch_queue): what arrives during a step is not in the next one but in the one after it.
   */
  readonly plansAhead: boolean
  /** Host memory that one engine takes per GPU for the KV of stopped sequences. */
  readonly swapBytesPerRank: Bytes
  /** Kernels of that generation, where they are not today's. */
  readonly kernels?: Readonly<Record<GpuArchitecture, KernelEfficiency>>
}

/**
 * What a request takes besides queueing and steps: part of the time to first token, not of a step. One process reads requests
 * (HTTP, tokeniser) and takes `eachUs` for them one at a time; `latencyUs` is the rest, both ways, and holds up nobody else.
 */
export interface FrontEndCost {
  readonly latencyUs: Micros
  readonly eachUs: Micros
}

const noFrontEnd: FrontEndCost = { latencyUs: 0, eachUs: 0 }

/** vLLM's `--swap-space`, per GPU (vllm/engine/arg_utils.py, `swap_space: float = 4  # GiB`, as long as it swapped: V0). */
const SWAP_BYTES_PER_RANK = 4 * 2 ** 30

type PerArchitecture = Readonly<Record<GpuArchitecture, number>>

/*
 * shared/reference/simulators.md section 7.1, "p-norm + s per sequence", fitted to Llama-2-70B on DGX-H100 and DGX-A100 with
 * the vLLM-derived engine of Splitwise (ISCA 2024): one roofline over all kernels, NCCL launched from Python at a sixth of the
 * NVLink peak, and a floor of 28.6 ms (H100) or 42.5 ms (A100) of launches for 80 layers. The fitted p of 1.98 and 2.14 is
 * taken as 2, which has a square root.
 */
function eagerKernels(fit: { compute: number; memory: number; link: number }): KernelEfficiency {
  const { compute, memory, link } = fit
  const product: ProductEfficiency = {
    compute,
    memory,
    norm: 2,
    overheadUs: 0,
    quantiseBytesPerInput: 0,
    perExpertUs: 0,
  }
  return {
    product,
    productFp8: product,
    expertProduct: product,
    decodeAttention: { fixedUs: 0, memory, perKvHeadUs: 0, norm: 1, mixedMemory: 0 },
    prefillAttention: { fixedUs: 0, compute, memory, perTokenUs: 0 },
    allReduce: [{ gpus: 8, fixedUs: 0, link, norm: 1 }],
    exchange: [{ gpus: 8, fixedUs: 0, link, norm: 1 }],
    smallKernels: { perLayer: 0, eachUs: 0 },
  }
}

const eagerHopper = eagerKernels({ compute: 0.61, memory: 0.9, link: 0.18 })
const eagerAmpere = eagerKernels({ compute: 0.67, memory: 0.86, link: 0.16 })
const layersOfTheFit = 80

/**
 * Engines by name. shared/reference/simulators.md, section 8.2, has the first constants; those with a set named beside them were
 * fitted to it by `kvasir validate`, whose table in docs/accuracy.md has the errors, fitted and held out.
 */
export const hostPresets = {
  /**
   * vLLM 0.14 and later, whose scheduling is asynchronous: fitted jointly to the five sets of it that are there, Llama-3.1-70B FP8 on H100 and the
   * four runs of LLMServingSim, each counted once. Section 7.3 has 0.3 ms for open loops on H100 too. The front end is InferenceMAX's;
   * the 7.5 ms of that section had to stand for the step that an arrival waits as well.
   */
  'vllm-async': {
    ...added('vllm-async', { perStepUs: 300, perSequenceUs: 10 }, { latencyUs: 1000, eachUs: 1000 }),
    plansAhead: true,
  },
  /** The public InferenceMAX runs: Llama-3.1-70B FP8 on H100. Their first tokens come as if steps were not planned ahead. */
  'vllm-inferencemax': added(
    'vllm-inferencemax',
    { perStepUs: 500, perSequenceUs: 20 },
    { latencyUs: 1000, eachUs: 1000 },
  ),
  /** vLLM 0.12, which schedules between steps: Qwen3-32B on 4 H100, closed loop. */
  'vllm-sync': added('vllm-sync', { perStepUs: 1500, perSequenceUs: 45 }, { latencyUs: 0, eachUs: 2000 }),
  /** TensorRT-LLM 0.14 with in-flight batching: Llama-3.1 8B and 70B on H100, open loop. */
  trtllm: {
    ...added('trtllm', { perStepUs: 1000, perSequenceUs: 15 }, { latencyUs: 5000, eachUs: 1000 }),
    // Section 7.2: all-reduces that are launched one by one take 16 to 20 us more than those of a CUDA graph.
    perAllReduceUs: 25,
  },
  /** PyTorch without CUDA graphs, as in 2023. */
  'eager-2023': {
    name: 'eager-2023',
    combination: 'overlapped',
    perStepUs: 0,
    perSequenceUs: byGeneration({ ampereUs: 360, hopperUs: 300 }),
    perLayerUs: byGeneration({ ampereUs: 42_500 / layersOfTheFit, hopperUs: 28_600 / layersOfTheFit }),
    perAllReduceUs: 0,
    frontEnd: noFrontEnd,
    plansAhead: false,
    swapBytesPerRank: SWAP_BYTES_PER_RANK,
    kernels: { ampere: eagerAmpere, ada: eagerAmpere, hopper: eagerHopper, blackwell: eagerHopper },
  },
  /** Kernels alone. */
  none: added('none', { perStepUs: 0, perSequenceUs: 0 }, noFrontEnd),
} as const satisfies Readonly<Record<string, HostPreset>>

export type HostPresetName = keyof typeof hostPresets

/** The same engine on a host that takes other times. */
export function withHostTimes(
  preset: HostPreset,
  us: { readonly perStepUs?: number; readonly perSequenceUs?: number },
): HostPreset {
  const { perStepUs = preset.perStepUs, perSequenceUs } = us
  const perSequence = perSequenceUs === undefined ? preset.perSequenceUs : everywhere(perSequenceUs)
  return { ...preset, perStepUs, perSequenceUs: perSequence }
}

function added(
  name: string,
  us: { readonly perStepUs: number; readonly perSequenceUs: number },
  frontEnd: FrontEndCost,
): HostPreset {
  return {
    name,
    combination: 'added',
    perStepUs: us.perStepUs,
    perSequenceUs: everywhere(us.perSequenceUs),
    perLayerUs: everywhere(0),
    perAllReduceUs: 0,
    frontEnd,
    plansAhead: false,
    swapBytesPerRank: SWAP_BYTES_PER_RANK,
  }
}

function everywhere(us: number): PerArchitecture {
  return byGeneration({ ampereUs: us, hopperUs: us })
}

function byGeneration(us: { readonly ampereUs: number; readonly hopperUs: number }): PerArchitecture {
  return { ampere: us.ampereUs, ada: us.ampereUs, hopper: us.hopperUs, blackwell: us.hopperUs }
}
