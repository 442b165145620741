import type { Dtype } from '../dtype.js'
import type { ExpertLayer } from '../model-matrices.js'
import type { RatioTable } from './ratio-grid.js'

/**
 * What was measured on one kind of GPU with one generation of kernels, as ratios to the roofline of `kernel-efficiency.ts`.
 * Written by `tools/fit-hardware.mjs` and `tools/calibrate`; README.md beside the data says what is in it.
 */
export interface KernelProfile {
  /** Name in the catalogue. */
  readonly gpu: string
  readonly measuredWith: string
  readonly source: string
  readonly fittedOn: string
  readonly products: readonly ProductProfile[]
  readonly decodeAttention: readonly AttentionProfile[]
  readonly prefillAttention: readonly AttentionProfile[]
  readonly experts: ExpertProfiles
  readonly allReduce: readonly AllReduceProfile[]
  readonly smallKernels?: SmallKernelProfile
  readonly copies?: CopyProfile
}

/** Mean absolute error of the table on the points it was fitted to. */
export interface Fit {
  readonly points: number
  readonly error: number
}

/** Axes: outputs, inputs, tokens. */
export interface ProductProfile {
  readonly dtype: Dtype
  readonly fit: Fit
  readonly table: RatioTable
}

/**
 * Decode's axes: KV heads of the rank, sequences, tokens of context each. Prefill's: KV heads of the rank, query heads of the
 * rank times sequences, tokens each, of prompts without earlier tokens.
 */
export interface AttentionProfile {
  readonly headDim: number
  readonly kvDtype: Dtype
  readonly fit: Fit
  readonly table: RatioTable
}

/** Routed experts of one layer, gate to down, by tokens of the step. */
export interface ExpertProfiles {
  readonly fit: Fit
  readonly tokens: readonly number[]
  readonly layers: readonly ExpertProfile[]
}

export interface ExpertProfile extends ExpertLayer {
  /** Rows of a `RatioTable` over `tokens`: tokens spread evenly over the experts, and by a power law of exponent 1.2. */
  readonly even: string
  readonly skewed: string
}

/** Axis: bytes of the message. */
export interface AllReduceProfile {
  readonly gpus: number
  readonly fit: Fit
  readonly table: RatioTable
}

/** Norms, rotary positions, activation and cache write of one layer. Axis: bytes they move together. */
export interface SmallKernelProfile {
  readonly fit: Fit
  readonly table: RatioTable
}

/** Copies between pinned host memory and the GPU, one way: a launch, then bytes at one rate. */
export interface CopyProfile {
  readonly fixedUs: number
  readonly bytesPerSecond: number
  readonly fit: Fit
}

/**
 * Whole steps of an engine as measured, over the roofline with its host preset. Axes: ranks, tokens of the step. Attention,
 * vocabulary and the host's time per sequence are taken off before.
 */
export interface StepProfile {
  readonly gpu: string
  readonly host: string
  readonly model: string
  readonly source: string
  readonly fittedOn: string
  readonly fit: Fit
  readonly table: RatioTable
}
