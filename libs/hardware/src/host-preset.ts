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
  /** Kernels of that generation, where they are not today's. */
  readonly kernels?: Readonly<Record<GpuArchitecture, KernelEfficiency>>
}

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
    decodeAttention: { fixedUs: 0, memory, perSequenceUs: 0, norm: 1 },
    prefillAttention: { fixedUs: 0, compute, memory },
    allReduce: [{ gpus: 8, fixedUs: 0, link, norm: 1 }],
    smallKernels: { perLayer: 0, eachUs: 0 },
  }
}

const eagerHopper = eagerKernels({ compute: 0.61, memory: 0.9, link: 0.18 })
const eagerAmpere = eagerKernels({ compute: 0.67, memory: 0.86, link: 0.16 })
const layersOfTheFit = 80

/** Engines by name: shared/reference/simulators.md section 8.2. */
export const hostPresets = {
  /** vLLM with asynchronous scheduling (0.15 and later): 0.3 ms a step and 5 us a sequence. */
  'vllm-async': added('vllm-async', { perStepUs: 300, perSequenceUs: 5 }),
  /** vLLM 0.12, scheduling between steps: 2 ms a step and 45 us a sequence. */
  'vllm-sync': added('vllm-sync', { perStepUs: 2000, perSequenceUs: 45 }),
  /** PyTorch without CUDA graphs, as in 2023. */
  'eager-2023': {
    name: 'eager-2023',
    combination: 'overlapped',
    perStepUs: 0,
    perSequenceUs: byGeneration({ ampereUs: 360, hopperUs: 300 }),
    perLayerUs: byGeneration({ ampereUs: 42_500 / layersOfTheFit, hopperUs: 28_600 / layersOfTheFit }),
    kernels: { ampere: eagerAmpere, ada: eagerAmpere, hopper: eagerHopper, blackwell: eagerHopper },
  },
  /** Kernels alone. */
  none: added('none', { perStepUs: 0, perSequenceUs: 0 }),
} as const satisfies Readonly<Record<string, HostPreset>>

export type HostPresetName = keyof typeof hostPresets

function added(name: string, us: { readonly perStepUs: number; readonly perSequenceUs: number }): HostPreset {
  const perSequenceUs = byGeneration({ ampereUs: us.perSequenceUs, hopperUs: us.perSequenceUs })
  const perLayerUs = byGeneration({ ampereUs: 0, hopperUs: 0 })
  return { name, combination: 'added', perStepUs: us.perStepUs, perSequenceUs, perLayerUs }
}

function byGeneration(us: { readonly ampereUs: number; readonly hopperUs: number }): PerArchitecture {
  return { ampere: us.ampereUs, ada: us.ampereUs, hopper: us.hopperUs, blackwell: us.hopperUs }
}
