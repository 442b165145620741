import { type Bytes, invariant } from '@kvasir/kernel'
import type { Dtype } from './dtype.js'
import { gpus } from './gpu-catalogue.js'
import { NameIndex, type Named, type UnknownName } from './name-index.js'

export type GpuArchitecture = 'ampere' | 'ada' | 'hopper' | 'blackwell'

/** One kind of GPU. Rates are peaks of the data sheet: decimal units, per second, links per direction. */
export interface Gpu extends Named {
  /** The documents its numbers are from. */
  readonly source: string
  readonly architecture: GpuArchitecture
  /** What the driver reports as total, after error correction, not the rounded number of the data sheet. */
  readonly memoryBytes: Bytes
  readonly memoryBytesPerSecond: number
  /** Dense matrix rate, without structured sparsity. A format that is absent has no tensor cores for it. */
  readonly flopsPerSecond: DenseRates
  /** The fastest link to other GPUs of the node, and how many GPUs it spans: a bridge spans two, a switch the node. */
  readonly peerLink: PeerLink
  readonly hostLink: HostLink
  /** What copies over it take, where that was measured. */
  readonly hostCopy?: HostCopy
  readonly multiprocessors: number
  readonly watts: number
}

export type DenseRates = Readonly<{ bf16: number } & Partial<Record<Exclude<Dtype, 'bf16'>, number>>>

export interface PeerLink {
  readonly kind: 'nvlink' | 'pcie'
  readonly bytesPerSecond: number
  readonly gpus: number
}

export interface HostLink {
  readonly kind: 'pcie' | 'c2c'
  readonly bytesPerSecond: number
}

/** A launch, then bytes at one rate. */
export interface HostCopy {
  readonly fixedUs: number
  readonly bytesPerSecond: number
}

export type GpuLookup =
  | { readonly kind: 'found'; readonly gpu: Gpu }
  | ({ readonly kind: 'unknown_gpu' } & UnknownName)

/** GPUs of one node, and with it the largest TP group: above it the links are an order of magnitude slower. */
export const GPUS_PER_NODE = 8

const index = new NameIndex(gpus)

export function gpuByName(name: string): GpuLookup {
  const gpu = index.find(name)
  return gpu === undefined ? { kind: 'unknown_gpu', ...index.refusal(name) } : { kind: 'found', gpu }
}

/**
 * For names written in code; names from outside go through `gpuByName`.
 * @throws {InvariantError} when the catalogue does not have it.
 */
export function knownGpu(name: string): Gpu {
  const gpu = index.find(name)
  invariant(gpu !== undefined, () => `no GPU ${name}; near: ${index.refusal(name).near.join(', ')}`)
  return gpu
}

/**
 * Matrix rate with weights in `dtype`. A GPU without tensor cores for the format keeps the weights packed and multiplies
 * in bf16 (weight-only quantisation, as vLLM's Marlin kernels do): it saves bandwidth, not arithmetic.
 */
export function matrixFlopsPerSecond(gpu: Gpu, dtype: Dtype): number {
  return gpu.flopsPerSecond[dtype] ?? gpu.flopsPerSecond.bf16
}

/** Bytes per second and direction between the members of a group: the peer link as far as it spans, else the host's. */
export function groupLink(gpu: Gpu, members: number): PeerLink {
  if (members <= gpu.peerLink.gpus) return gpu.peerLink
  return { kind: 'pcie', bytesPerSecond: gpu.hostLink.bytesPerSecond, gpus: GPUS_PER_NODE }
}
