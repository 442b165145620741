import { bytesPerElement, type Dtype } from './dtype.js'
import { type Gpu, groupLink, matrixFlopsPerSecond } from './gpu.js'
import type { AllReduceEfficiency, KernelEfficiency, ProductEfficiency } from './kernel-efficiency.js'
import { type ExpertLayer, isRoutedExpert, routedExperts, type WeightMatrix } from './model-matrices.js'
import { pNorm } from './norm.js'

const MICROS = 1e-6

/** One rank of a TP group: a GPU, its link to the others, and what kernels reach of both. */
export interface Rank {
  readonly gpu: Gpu
  readonly tp: number
  /** TP groups that share experts with this one, itself included; 1 unless said otherwise. */
  readonly dataParallel?: number
  readonly efficiency: KernelEfficiency
}

/** Activations are 16 bit whatever the weights are. */
export const ACTIVATION_BYTES = bytesPerElement.bf16

export function productEfficiency(rank: Rank, matrix: WeightMatrix): ProductEfficiency {
  if (isRoutedExpert(matrix)) return rank.efficiency.expertProduct
  return bytesPerElement[matrix.dtype] === 1 ? rank.efficiency.productFp8 : rank.efficiency.product
}

/**
 * Experts that `tokens` tokens touch when each picks `copiesPerToken` of `copies` at random: E * (1 - (1 - k / E)^tokens).
 * One for an ordinary matrix.
 */
export function copiesTouched(matrix: WeightMatrix, tokens: number): number {
  if (!isRoutedExpert(matrix)) return 1
  return matrix.copies * (1 - (1 - matrix.copiesPerToken / matrix.copies) ** tokens)
}

export interface ProductWork {
  /** Weight matrices that are read. */
  readonly copies: number
  readonly flops: number
  readonly bytes: number
}

/** What one matrix product over `tokens` tokens asks of one rank. */
export function productWork(matrix: WeightMatrix, tokens: number): ProductWork {
  const rows = tokens * matrix.copiesPerToken
  const copies = copiesTouched(matrix, tokens)
  const weights = copies * matrix.outputs * matrix.inputs * bytesPerElement[matrix.dtype]
  return {
    copies,
    flops: 2 * rows * matrix.outputs * matrix.inputs,
    bytes: weights + rows * (matrix.outputs + matrix.inputs) * ACTIVATION_BYTES,
  }
}

/** Microseconds of one matrix product over `tokens` tokens on one rank. */
export function productUs(rank: Rank, matrix: WeightMatrix, tokens: number): number {
  const efficiency = productEfficiency(rank, matrix)
  const { copies, flops, bytes } = productWork(matrix, tokens)
  const arithmeticUs = computeUs(rank.gpu, flops, matrix.dtype) / efficiency.compute
  const trafficUs = memoryUs(rank.gpu, bytes) / efficiency.memory
  const quantised = tokens * matrix.copiesPerToken * matrix.inputs * efficiency.quantiseBytesPerInput
  const perExpertUs = efficiency.perExpertUs * copies
  const productOnlyUs = pNorm(arithmeticUs, trafficUs, efficiency.norm)
  return productOnlyUs + efficiency.overheadUs + perExpertUs + memoryUs(rank.gpu, quantised)
}

/** Microseconds of the routed experts of one layer over `tokens` tokens of the whole group, on one rank. */
export function expertsUs(rank: Rank, layer: ExpertLayer, tokens: number): number {
  return routedExperts(layer).reduce((sum, matrix) => sum + productUs(rank, matrix, tokens), 0)
}

/** Microseconds to sum a message of `bytes` over the group: a ring moves 2 (n - 1) / n of it over every link. */
export function allReduceUs(rank: Rank, bytes: number): number {
  const { gpu, tp, efficiency } = rank
  if (tp === 1) return 0
  const { fixedUs, link, norm } = groupEfficiency(efficiency.allReduce, tp)
  const ringSeconds = (((2 * (tp - 1)) / tp) * bytes) / groupLink(gpu, tp).bytesPerSecond
  return pNorm(fixedUs, ringSeconds / MICROS / link, norm)
}

/**
 * Microseconds to gather the hidden states of all groups that share experts, or to sum and scatter what the experts made of them:
 * half of an all-reduce's way around the ring of all their ranks. `bytes` are of all groups together.
 */
export function exchangeUs(rank: Rank, bytes: number): number {
  const { gpu, tp, dataParallel = 1, efficiency } = rank
  if (dataParallel === 1) return 0
  const ranks = tp * dataParallel
  const { fixedUs, link, norm } = groupEfficiency(efficiency.exchange, ranks)
  const ringSeconds = (((ranks - 1) / ranks) * bytes) / groupLink(gpu, ranks).bytesPerSecond
  return pNorm(fixedUs, ringSeconds / MICROS / link, norm)
}

/** Microseconds of `flops` at the peak for `dtype`. */
export function computeUs(gpu: Gpu, flops: number, dtype: Dtype): number {
  return flops / matrixFlopsPerSecond(gpu, dtype) / MICROS
}

/** Microseconds of moving `bytes` at the peak memory bandwidth. */
export function memoryUs(gpu: Gpu, bytes: number): number {
  return bytes / gpu.memoryBytesPerSecond / MICROS
}

function groupEfficiency(entries: readonly AllReduceEfficiency[], tp: number): AllReduceEfficiency {
  return entries.find((entry) => entry.gpus >= tp) ?? entries[entries.length - 1]
}
