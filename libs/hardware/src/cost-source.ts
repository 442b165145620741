import { invariant } from '@kvasir/kernel'
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
  readonly host: HostPreset
  readonly efficiencies?: Partial<KernelEfficiency> | undefined
  readonly basis: 'profile' | 'roofline'
  readonly experts: ExpertChoice
}

/** Kernels of one rank, by the nearest profile; engines of other generations and forced rooflines have none. */
export function kernelsFor(choice: KernelChoice): { readonly kernels: Kernels; readonly source: CostSource } {
  const { gpu, tp, host, efficiencies, basis, experts } = choice
  const ownKernels = host.kernels?.[gpu.architecture]
  const link = groupLink(gpu, tp)
  const rank = { gpu, tp, efficiency: { ...(ownKernels ?? kernelEfficiency(gpu, link)), ...efficiencies } }
  const profile = nearest(kernelProfiles, gpu)
  if (basis === 'roofline' || ownKernels !== undefined || profile === undefined)
    return { kernels: new RooflineKernels(rank), source: { kind: 'roofline' } }
  // Profiles know all-reduces over NVLink only.
  const measured: KernelProfile = link.kind === 'pcie' ? { ...profile, allReduce: [] } : profile
  return { kernels: new ProfiledKernels(rank, measured, experts), source: sourceOf(profile, gpu) }
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
