import type { ClusterSpec } from '@kvasir/contracts'
import type { Sharing } from '@kvasir/device-core'
import { clusterPreset, type Gpu, gpuByName } from '@kvasir/hardware'
import { allPlanned, planned, type Planning, refused } from './planning.js'

/** GPUs that hold models in slices and act as one device. */
export interface TpGroup {
  readonly id: string
  readonly gpu: Gpu
  readonly tp: number
  readonly sharing: Sharing
}

/**
 * Tensor-parallel degree of groups that nobody chose one for: half a node, the smallest that holds a 70B model with
 * room for KV.
 */
export const DEFAULT_TP = 4

/** The TP groups of a cluster: those given by hand, or consecutive equal GPUs of each node. */
export function groupsOf(cluster: ClusterSpec): Planning<readonly TpGroup[]> {
  const sharing = cluster.sharing ?? 'time'
  if (cluster.groups !== undefined) {
    return allPlanned(
      cluster.groups.map(({ sharing: own = sharing, ...group }, i) =>
        gpuNamed(group.gpu, `cluster.groups[${i}].gpu`, (gpu) => ({ ...group, gpu, sharing: own })),
      ),
    )
  }
  const nodes = nodesOf(cluster)
  if (nodes.kind === 'refused') return nodes
  const tp = cluster.tp ?? DEFAULT_TP
  const shapes = nodes.value.flatMap((gpus) => runsOf(gpus).flatMap((run) => slices(run, tp)))
  if (cluster.tp !== undefined && !shapes.some((shape) => shape.tp === cluster.tp)) {
    return refused(`cluster.tp is ${tp}; it must be at most the number of consecutive equal GPUs in a node`)
  }
  return planned(shapes.map((shape, i) => ({ id: `p${i}`, ...shape, sharing })))
}

/** The GPUs of each node, in order. */
function nodesOf(cluster: ClusterSpec): Planning<readonly (readonly Gpu[])[]> {
  if (cluster.nodes !== undefined) {
    return allPlanned(
      cluster.nodes.map((node, i) => {
        const path = `cluster.nodes[${i}]`
        if ('gpu' in node) {
          return gpuNamed(node.gpu, `${path}.gpu`, (gpu) => Array.from({ length: node.count }, () => gpu))
        }
        return allPlanned(node.gpus.map((name, j) => gpuNamed(name, `${path}.gpus[${j}]`, (gpu) => gpu)))
      }),
    )
  }
  const name = cluster.preset ?? ''
  const preset = clusterPreset(name)
  if (preset.kind !== 'found') {
    const right =
      preset.kind === 'unknown_gpu'
        ? `begin with a GPU of the catalogue, such as ${preset.near.join(', ')}`
        : `be one of ${preset.known.join(', ')}`
    return refused(`cluster.preset is "${name}"; it must ${right}`)
  }
  return allPlanned(
    preset.cluster.nodes.map((node) =>
      allPlanned(node.gpus.map((gpu) => gpuNamed(gpu, 'cluster.preset', (found) => found))),
    ),
  )
}

function gpuNamed<T>(name: string, path: string, use: (gpu: Gpu) => T): Planning<T> {
  const found = gpuByName(name)
  if (found.kind === 'found') return planned(use(found.gpu))
  return refused(
    `${path} is "${name}"; it must be one of ${found.known.join(', ')} (near: ${found.near.join(', ')})`,
  )
}

interface Run {
  readonly gpu: Gpu
  readonly count: number
}

function runsOf(gpus: readonly Gpu[]): Run[] {
  const runs: Run[] = []
  for (const gpu of gpus) {
    const last = runs.at(-1)
    if (last?.gpu === gpu) runs[runs.length - 1] = { gpu, count: last.count + 1 }
    else runs.push({ gpu, count: 1 })
  }
  return runs
}

/**
 * Groups of `tp`; what is left over becomes groups of the next smaller powers of two, so that no GPU stands idle.
 */
function slices(run: Run, tp: number): { readonly gpu: Gpu; readonly tp: number }[] {
  const groups: { readonly gpu: Gpu; readonly tp: number }[] = []
  let left = run.count
  while (left > 0) {
    const degree = left >= tp ? tp : 2 ** Math.floor(Math.log2(left))
    groups.push({ gpu: run.gpu, tp: degree })
    left -= degree
  }
  return groups
}
