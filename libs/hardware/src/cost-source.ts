import { invariant } from '@kvasir/kernel'
import type { Dtype } from './dtype.js'
import type { Gpu, GpuArchitecture } from './gpu.js'
import { groupLink } from './gpu.js'
import type { HostPreset } from './host-preset.js'
import { type KernelEfficiency, kernelEfficiency } from './kernel-efficiency.js'
import { type Kernels, ProfiledKernels, RooflineKernels } from './kernels.js'
import type { ExpertChoice } from './profile/expert-ratios.js'
import type { KernelProfile, StepProfile } from './profile/kernel-profile.js'
import { kernelProfiles } from './profiles/kernels.js'
import { stepProfiles } from './profiles/steps.js'

/** What a step cost model knows its times from. */
export type CostSource =
  /** Measured on this kind of GPU. */
  | { readonly kind: 'profile'; readonly gpu: string }
  /** A roofline of this GPU, corrected by what was measured on another kind. */
  | { readonly kind: 'nearest_profile'; readonly gpu: string }
  | { readonly kind: 'roofline' }

/**
 * The profiled GPU whose kernels are most like those of an architecture nobody profiled: Blackwell runs Hopper's, and Ada
 * Ampere's (simulators.md, section 8; FlashAttention 2 has one kernel for both of the latter).
 */
const nearestProfiled: Readonly<Record<GpuArchitecture, string>> = {
  ampere: 'A100-80GB',
  ada: 'A100-80GB',
  hopper: 'H100',
  blackwell: 'H100',
}

export interface KernelChoice {
  readonly gpu: Gpu
  readonly tp: number
  /** TP groups that share experts; 1 unless said otherwise. */
  readonly dataParallel?: number
  readonly host: HostPreset
  readonly efficiencies?: Partial<KernelEfficiency> | undefined
  readonly basis: 'profile' | 'roofline'
  /** A profile of the GPU at hand, in place of what ships. */
  readonly measured?: KernelProfile | undefined
  readonly experts: ExpertChoice
}

/** Kernels of one rank, by the nearest profile; engines of other generations and forced rooflines have none. */
export function kernelsFor(choice: KernelChoice): { readonly kernels: Kernels; readonly source: CostSource } {
  const { gpu, tp, dataParallel = 1, host, efficiencies, basis, experts } = choice
  const ownKernels = host.kernels?.[gpu.architecture]
  const link = groupLink(gpu, tp)
  const { exchange } = kernelEfficiency(gpu, groupLink(gpu, tp * dataParallel))
  const own = ownKernels ?? { ...kernelEfficiency(gpu, link), exchange }
  const rank = { gpu, tp, dataParallel, efficiency: { ...own, ...efficiencies } }
  const profile = profileOf(gpu, choice.measured)
  if (basis === 'roofline' || ownKernels !== undefined || profile === undefined)
    return { kernels: new RooflineKernels(rank), source: { kind: 'roofline' } }
  // Profiles know all-reduces over NVLink only.
  const known: KernelProfile = link.kind === 'pcie' ? { ...profile, allReduce: [] } : profile
  return { kernels: new ProfiledKernels(rank, known, experts), source: sourceOf(profile, gpu) }
}

/** A profile of one's own, with what it does not speak of from the nearest that ships. */
function profileOf(gpu: Gpu, own: KernelProfile | undefined): KernelProfile | undefined {
  const shipped = nearest(kernelProfiles, gpu)
  if (own === undefined || shipped === undefined) return own ?? shipped
  return {
    ...shipped,
    ...own,
    products: completed(own.products, shipped.products, ({ dtype }) => dtype),
    decodeAttention: completed(own.decodeAttention, shipped.decodeAttention, ({ kvDtype }) => kvDtype),
    prefillAttention: completed(own.prefillAttention, shipped.prefillAttention, ({ kvDtype }) => kvDtype),
    allReduce: own.allReduce.length > 0 ? own.allReduce : shipped.allReduce,
    experts: own.experts.layers.length > 0 ? own.experts : shipped.experts,
  }
}

/** Formats that were not measured. */
function completed<Table>(
  own: readonly Table[],
  shipped: readonly Table[],
  format: (table: Table) => Dtype,
): readonly Table[] {
  const measured = new Set(own.map(format))
  return [...own, ...shipped.filter((table) => !measured.has(format(table)))]
}

/** For names written in code. */
export function profiledKernels(gpu: string): KernelProfile {
  const profile = kernelProfiles.find((candidate) => candidate.gpu === gpu)
  invariant(profile !== undefined, () => `no profile of ${gpu}; there are ${profiledGpus.join(', ')}`)
  return profile
}

/** GPUs whose kernels were measured. */
export const profiledGpus: readonly string[] = kernelProfiles.map((profile) => profile.gpu)

/** Whole steps of an engine generation, where they were measured. */
export function stepProfileFor(gpu: Gpu, host: HostPreset): StepProfile | undefined {
  return nearest(
    stepProfiles.filter((profile) => profile.host === host.name),
    gpu,
  )
}

function nearest<Profile extends { readonly gpu: string }>(
  profiles: readonly Profile[],
  gpu: Gpu,
): Profile | undefined {
  const named = (name: string) => profiles.find((profile) => profile.gpu === name)
  return named(gpu.name) ?? named(nearestProfiled[gpu.architecture])
}

function sourceOf(profile: KernelProfile, gpu: Gpu): CostSource {
  return { kind: profile.gpu === gpu.name ? 'profile' : 'nearest_profile', gpu: profile.gpu }
}
