import type { Bytes, Micros, Tokens } from '@kvasir/kernel'
import { type Gpu, groupLink } from './gpu.js'
import type { Model } from './model.js'
import type { ExpertSharing } from './model-matrices.js'
import { weightBytesPerRank } from './model-size.js'
import type { StepCostModel } from './step-cost.js'
import { prefillShape } from './step-shape.js'

/**
 * What a large pinned copy reaches of a host link: 52.8 of 64 GB/s on H100, 25.1 of 32 on A100, 346 of 450 on GH200
 * (NVIDIA/nvbandwidth issues 24, 42 and 23): 0.83, 0.79 and 0.77.
 */
const HOST_LINK_REACHED = 0.8
/** Launch of a copy and the event that reports its end; an assumption of the size of a kernel launch and its wake-up. */
const COPY_LAUNCH_US = 20
/** One 400 Gb/s adapter per GPU (NVIDIA DGX H100 data sheet: eight ConnectX-7), per direction. */
export const NODE_LINK_BYTES_PER_SECOND = 50e9

/**
 * Microseconds to copy `bytesPerRank` between a GPU and host memory, one way. Ranks copy at the same time, each over its own
 * link, so a group takes as long as one of them. Blocks are contiguous, so the copy is one piece per bundle, not per layer.
 */
export function swapUs(bytesPerRank: Bytes, gpu: Gpu): Micros {
  const { hostCopy } = gpu
  if (hostCopy === undefined) return copyUs(bytesPerRank, gpu.hostLink.bytesPerSecond * HOST_LINK_REACHED)
  return bytesPerRank === 0 ? 0 : Math.ceil(hostCopy.fixedUs + (bytesPerRank * 1e6) / hostCopy.bytesPerSecond)
}

/** Microseconds to prefill `tokens` again in one step of their own. */
export function recomputeUs(tokens: Tokens, cost: StepCostModel): Micros {
  return cost.stepUs(prefillShape({ tokens }))
}

/**
 * One PCIe Gen4 NVMe drive, read in large pieces: the order of 7 GB/s that data sheets of such drives state. An assumption
 * about the machine, so `weightLoadUs` takes another.
 */
export const DISK_BYTES_PER_SECOND = 7e9

export interface WeightLoad extends ExpertSharing {
  readonly gpu: Gpu
  readonly model: Model
  readonly tp: number
  /** Host memory unless said otherwise: what an engine that sleeps keeps its weights in. */
  readonly from?: 'host' | 'disk'
  readonly diskBytesPerSecond?: number
}

/**
 * Microseconds to bring a model's weights to every rank of its group at once. Ranks read host memory over links of their own;
 * a disk is shared by all of them, and copying to the GPU goes on while it reads.
 */
export function weightLoadUs(load: WeightLoad): Micros {
  const { gpu, model, tp, from = 'host', diskBytesPerSecond = DISK_BYTES_PER_SECOND } = load
  const bytesPerRank = weightBytesPerRank(model, tp, load)
  const hostUs = swapUs(bytesPerRank, gpu)
  return from === 'host' ? hostUs : Math.max(hostUs, copyUs(bytesPerRank * tp, diskBytesPerSecond))
}

/**
 * Microseconds until an engine that slept computes again: its weights come back and its KV pages are mapped, `mapUs` each,
 * while the copy runs. KV itself is not kept.
 */
export function wakeUpUs(
  load: WeightLoad,
  pages: { readonly count: number; readonly mapUs: number },
): Micros {
  return Math.max(weightLoadUs(load), Math.ceil(pages.count * pages.mapUs))
}

/**
 * Microseconds to move `bytesPerRank` of KV to another group, rank to rank: over the peer link inside a node, over the
 * network adapters between nodes. Links are taken at what host links reach of their peak.
 */
export function kvMigrationUs(
  bytesPerRank: Bytes,
  path: { readonly gpu: Gpu; readonly between: 'groups_of_a_node' | 'nodes'; readonly groupSize: number },
): Micros {
  const { gpu, between, groupSize } = path
  const link = between === 'nodes' ? NODE_LINK_BYTES_PER_SECOND : groupLink(gpu, 2 * groupSize).bytesPerSecond
  return copyUs(bytesPerRank, link * HOST_LINK_REACHED)
}

function copyUs(bytes: Bytes, bytesPerSecond: number): Micros {
  return bytes === 0 ? 0 : COPY_LAUNCH_US + Math.ceil((bytes * 1e6) / bytesPerSecond)
}
