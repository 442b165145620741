import { compareIds } from '@kvasir/kernel'
import { GPUS_PER_NODE, gpuByName } from './gpu.js'

/** Machines by the GPUs they hold. */
export interface Cluster {
  readonly name: string
  readonly nodes: readonly ClusterNode[]
}

/** One machine; its GPUs, by catalogue name, are of one kind, as a TP group needs them. */
export interface ClusterNode {
  readonly gpus: readonly string[]
}

export type ClusterLookup =
  | { readonly kind: 'found'; readonly cluster: Cluster }
  | { readonly kind: 'unknown_cluster'; readonly name: string; readonly known: readonly string[] }
  | { readonly kind: 'unknown_gpu'; readonly name: string; readonly near: readonly string[] }

interface Part {
  readonly gpu: string
  readonly count: number
}

/** Clusters of several kinds of GPU; everything else is spelled `<gpu>_<n>gpu`. */
const mixed: ReadonlyMap<string, readonly Part[]> = new Map([
  [
    'mixed_8gpu',
    [
      { gpu: 'H100', count: 4 },
      { gpu: 'A100-80GB', count: 2 },
      { gpu: 'A30', count: 2 },
    ],
  ],
  [
    'mixed_32gpu',
    [
      { gpu: 'H100', count: 16 },
      { gpu: 'A100-80GB', count: 12 },
      { gpu: 'A30', count: 4 },
    ],
  ],
])

const uniform = [
  'h100_8gpu',
  'h100_16gpu',
  'h100_32gpu',
  'h100_64gpu',
  'a100_8gpu',
  'a100_16gpu',
  'h200_8gpu',
  'b200_8gpu',
]

/** Names worth offering, sorted; `<gpu>_<n>gpu` works for every GPU of the catalogue. */
export const clusterPresets: readonly string[] = [...uniform, ...mixed.keys()].sort(compareIds)

const pattern = /^(.+)_([1-9]\d{0,4})gpu$/

export function clusterPreset(name: string): ClusterLookup {
  const parts = mixed.get(name)
  if (parts !== undefined) return { kind: 'found', cluster: clusterOf(name, parts) }
  const match = pattern.exec(name)
  if (match === null) return { kind: 'unknown_cluster', name, known: [...clusterPresets, '<gpu>_<n>gpu'] }
  const lookup = gpuByName(match[1])
  if (lookup.kind === 'unknown_gpu') return { kind: 'unknown_gpu', name: lookup.name, near: lookup.near }
  return { kind: 'found', cluster: clusterOf(name, [{ gpu: lookup.gpu.name, count: Number(match[2]) }]) }
}

function clusterOf(name: string, parts: readonly Part[]): Cluster {
  return { name, nodes: parts.flatMap(nodesOf) }
}

/** Full nodes first; what is left over makes a smaller one. */
function nodesOf({ gpu, count }: Part): readonly ClusterNode[] {
  const nodes: ClusterNode[] = []
  for (let left = count; left > 0; left -= GPUS_PER_NODE) {
    nodes.push({ gpus: Array<string>(Math.min(left, GPUS_PER_NODE)).fill(gpu) })
  }
  return nodes
}
