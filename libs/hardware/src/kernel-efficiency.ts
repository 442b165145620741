import type { Gpu, GpuArchitecture, PeerLink } from './gpu.js'

/** One matrix product: pNorm(FLOPs / (compute * peak), bytes / (memory * bandwidth), norm) + overheadUs. */
export interface ProductEfficiency {
  readonly compute: number
  readonly memory: number
  readonly norm: number
  readonly overheadUs: number
  /** Bytes moved per input element to quantise it before the product; 0 where activations stay 16 bit. */
  readonly quantiseBytesPerInput: number
  /** For products over experts: each expert that is touched adds this. */
  readonly perExpertUs: number
}

/** All-reduce of one message in a group of up to `gpus`: pNorm(fixedUs, ring time / link, norm). */
export interface AllReduceEfficiency {
  readonly gpus: number
  readonly fixedUs: number
  readonly link: number
  readonly norm: number
}

/** What kernels reach of a GPU's peaks. Every fraction is of the data sheet's number. */
export interface KernelEfficiency {
  readonly product: ProductEfficiency
  readonly productFp8: ProductEfficiency
  readonly expertProduct: ProductEfficiency
  /** pNorm(fixedUs, KV bytes / (memory * bandwidth) + perKvHeadUs * sequences * KV heads of the rank, norm) per layer. */
  readonly decodeAttention: {
    readonly fixedUs: number
    readonly memory: number
    readonly perKvHeadUs: number
    readonly norm: number
    /**
     * In a step that computes prompts too, kernels give each query head a block of its own, which reads its KV anew, mostly from the
     * cache: queries * KV bytes of a head / (mixedMemory * bandwidth) at least. 0: mixed steps decode as others do.
     */
    readonly mixedMemory: number
  }
  /** fixedUs + FLOPs / (compute * peak) + bytes / (memory * bandwidth) + perTokenUs * tokens per layer. */
  readonly prefillAttention: {
    readonly fixedUs: number
    readonly compute: number
    readonly memory: number
    readonly perTokenUs: number
  }
  /** By group size, smallest first; a group takes the first entry that is large enough. */
  readonly allReduce: readonly AllReduceEfficiency[]
  /** The same for half of an all-reduce, a gather or a scatter, over all ranks that share experts: NCCL's. */
  readonly exchange: readonly AllReduceEfficiency[]
  /** Norms, rotary positions, activation and cache write: launches of each layer. */
  readonly smallKernels: { readonly perLayer: number; readonly eachUs: number }
}

/*
 * Fits by least absolute log error to the tables in shared/data/profiles (AIConfigurator, vLLM 0.24 on H100 and 0.14 on A100).
 * Numbers marked 7.2 are those of shared/reference/simulators.md section 7.2; the others were fitted the same way while this
 * was written, with the mean error given. An 8-bit product needs its input quantised: a read and writes of 10.1 bytes per
 * element brought the error from 30 % (7.2) to 13 % for n, k >= 1024.
 */
/** 7.2, NCCL 2/4/8: 4 to 5 % on all-reduces. */
const exchangeOverNvlink: readonly AllReduceEfficiency[] = [
  { gpus: 2, fixedUs: 6.1, link: 0.73, norm: 0.58 },
  { gpus: 4, fixedUs: 9.6, link: 0.8, norm: 0.66 },
  { gpus: 8, fixedUs: 15.5, link: 1.08, norm: 0.58 },
]

const hopper: KernelEfficiency = {
  // 7.2: 11.1 %.
  product: product({ compute: 0.813, memory: 0.848, norm: 2.4, overheadUs: 3 }),
  // aic_h100_sxm_vllm_gemm, fp8: 13 %.
  productFp8: product({
    compute: 0.679,
    memory: 0.842,
    norm: 1.47,
    overheadUs: 6.3,
    quantiseBytesPerInput: 10.1,
  }),
  // aic_h100_sxm_vllm_moe, bf16, balanced: 18 %, where `product` has 40 %. The fp8 rows of that table are slower than their
  // bytes explain and than served DeepSeek models are, so 8-bit experts take these constants too.
  expertProduct: product({ compute: 0.566, memory: 0.891, norm: 1.45, overheadUs: 15.3, perExpertUs: 0.258 }),
  // aic_h100_sxm_vllm_attn_generation, both head sizes and KV formats: 11.9 %.
  decodeAttention: { fixedUs: 11.3, memory: 0.936, perKvHeadUs: 0.0202, norm: 0.849, mixedMemory: 2.5 },
  // 7.2: 9.7 %.
  prefillAttention: { fixedUs: 12.8, compute: 0.69, memory: 0.41, perTokenUs: 0 },
  // 7.2, custom all-reduce inside a CUDA graph: 4 to 6 %.
  allReduce: [
    { gpus: 2, fixedUs: 4.3, link: 0.57, norm: 0.98 },
    { gpus: 4, fixedUs: 4.4, link: 0.75, norm: 0.67 },
    { gpus: 8, fixedUs: 4.6, link: 1.04, norm: 0.55 },
  ],
  exchange: exchangeOverNvlink,
  // simulators.md section 7.3: 4 small kernels of 2 us.
  smallKernels: { perLayer: 4, eachUs: 2 },
}

const ampere: KernelEfficiency = {
  // 7.2: 13.5 %.
  product: product({ compute: 0.856, memory: 0.743, norm: 1.5, overheadUs: 4.7 }),
  // No 8-bit tensor cores: packed weights, 16-bit arithmetic.
  productFp8: product({ compute: 0.856, memory: 0.743, norm: 1.5, overheadUs: 4.7 }),
  expertProduct: hopper.expertProduct,
  // aic_a100_sxm_vllm_attn_generation: 18 %.
  // mixedMemory: llmservingsim_attention, RTX 4090, whose kernels are Ampere's: 64 to 128 decodes beside a chunk.
  decodeAttention: { fixedUs: 14.6, memory: 0.868, perKvHeadUs: 0.0245, norm: 0.727, mixedMemory: 1.7 },
  // aic_a100_sxm_vllm_attn_context: 14 %.
  prefillAttention: { fixedUs: 12.3, compute: 0.592, memory: 0.364, perTokenUs: 0 },
  // aic_collectives, a100_sxm, vLLM_custom_graph: 6 to 13 %.
  allReduce: [
    { gpus: 2, fixedUs: 5, link: 0.604, norm: 0.98 },
    { gpus: 4, fixedUs: 5.1, link: 0.712, norm: 0.64 },
    { gpus: 8, fixedUs: 5.4, link: 0.791, norm: 0.51 },
  ],
  exchange: exchangeOverNvlink,
  smallKernels: hopper.smallKernels,
}

/** vLLM's custom all-reduce needs peer access, so over PCIe it is NCCL: aic_collectives, a100_sxm, NCCL, 5 to 7 %. */
const allReduceOverPcie: readonly AllReduceEfficiency[] = [
  { gpus: 2, fixedUs: 9.7, link: 0.725, norm: 0.52 },
  { gpus: 4, fixedUs: 13.7, link: 0.779, norm: 0.57 },
  { gpus: 8, fixedUs: 21.3, link: 0.78, norm: 0.64 },
]

/**
 * GeForce and workstation cards go through host memory: LLMServingSim's configuration of its machine with two RTX PRO 6000, 16 GB/s and
 * 20 us (llmservingsim_vllm_runs.json), which repeats a run of Qwen3-32B on both within 1 %.
 */
const allReduceOverHost: readonly AllReduceEfficiency[] = [{ gpus: 8, fixedUs: 20, link: 0.254, norm: 1 }]

/**
 * Unprofiled architectures take the nearest profiled one, as simulators.md section 8 says: Blackwell Hopper's, and Ada
 * Ampere's, whose attention kernels it shares (FlashAttention 2), with Hopper's 8-bit products.
 */
const byArchitecture: Readonly<Record<GpuArchitecture, KernelEfficiency>> = {
  ampere,
  ada: { ...ampere, productFp8: hopper.productFp8 },
  hopper,
  // llmservingsim_attention, RTX PRO 6000, as above.
  blackwell: { ...hopper, decodeAttention: { ...hopper.decodeAttention, mixedMemory: 2 } },
}

/** What today's kernels (CUDA graphs, vLLM 0.14 to 0.24) reach on this GPU in a group joined by `link`. */
export function kernelEfficiency(gpu: Gpu, link: PeerLink): KernelEfficiency {
  const efficiency = byArchitecture[gpu.architecture]
  if (link.kind !== 'pcie') return efficiency
  const nccl = gpu.name.startsWith('RTX') ? allReduceOverHost : allReduceOverPcie
  return { ...efficiency, allReduce: nccl, exchange: nccl }
}

function product(
  options: Partial<ProductEfficiency> & Pick<ProductEfficiency, 'compute' | 'memory'>,
): ProductEfficiency {
  return { norm: 1, overheadUs: 0, quantiseBytesPerInput: 0, perExpertUs: 0, ...options }
}
