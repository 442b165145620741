import { resolve } from 'node:path'
import { kernelProfileSchema, parseDocument, type Scenario } from '@kvasir/contracts'
import { gpuByName, type KernelProfile } from '@kvasir/hardware'
import { type ClusterPlan, withProfiles } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { readText } from './read-document.js'

/** A profile that `tools/calibrate` wrote. @throws {BadInput} naming the file, the field, its value and what would be right. */
export function readKernelProfile(path: string): KernelProfile {
  const parsed = parseDocument(kernelProfileSchema, readJson(path))
  if (parsed.kind === 'refused') throw new BadInput(parsed.problems.map((problem) => `${path}: ${problem}`))
  const { smallKernels, copies, ...profile } = parsed.value
  const found = gpuByName(profile.gpu)
  if (found.kind !== 'found') {
    throw new BadInput(
      `${path}: gpu is "${profile.gpu}"; it must be a GPU of the catalogue, such as ${found.near.join(', ')}`,
    )
  }
  return {
    ...profile,
    gpu: found.gpu.name,
    ...(smallKernels === undefined ? {} : { smallKernels }),
    ...(copies === undefined ? {} : { copies }),
  }
}

/** @throws {BadInput} also when two are of the same GPU. */
export function readKernelProfiles(paths: readonly string[]): readonly KernelProfile[] {
  const first = new Map<string, string>()
  return paths.map((path) => {
    const profile = readKernelProfile(path)
    const earlier = first.get(profile.gpu)
    if (earlier !== undefined)
      throw new BadInput(`${path}: gpu is "${profile.gpu}", as that of ${earlier}; it must be one file a GPU`)
    first.set(profile.gpu, path)
    return profile
  })
}

/** A plan with the profiles that its scenario names. @param folder where relative paths start. */
export function profiledPlan(plan: ClusterPlan, scenario: Scenario, folder: string): ClusterPlan {
  const paths = scenario.hardware?.profiles ?? []
  return withProfiles(plan, readKernelProfiles(paths.map((path) => resolve(folder, path))))
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path))
  } catch (error) {
    if (error instanceof BadInput) throw error
    throw new BadInput(`${path}: not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
