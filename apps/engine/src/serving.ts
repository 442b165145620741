import { type EngineProfile, engineTermsSchema } from '@kvasir/contracts'
import { type EngineMachine, liveProblems } from '@kvasir/engine-core'
import { gpuByName, kvGeometry, type Model, modelByName, withDtypes } from '@kvasir/hardware'
import { ProfileError } from '@kvasir/platform'
import { whyNotPreemptive } from '@kvasir/scheduler'
import { makeEngine, type ModelPlan, servedPlan, sloOf, stepCostOf } from '@kvasir/simulation'

/** What a profile comes down to. */
export interface Serving {
  readonly model: ModelPlan
  /** Makes the engine's machine for one run of it. */
  machine(incarnation: number): EngineMachine
}

/** @throws {ProfileError} when the profile names what is not there, or asks for what a live engine cannot do. */
export function servingOf(profile: EngineProfile): Serving {
  const { engine, pool, policy, settings, share } = profile
  const model = modelPlanOf(profile)
  const problems = liveProblems(model.scheduler).map((problem) => `serving.${problem}`)
  if (problems.length > 0) throw new ProfileError(problems)
  const cost = stepCostOf(model, pool)
  return {
    model,
    machine: (incarnation) =>
      makeEngine({ engine, incarnation, model, pool, policy, settings, share, cost, remote: true }),
  }
}

function modelPlanOf({ model, pool, limit, slo = {}, serving }: EngineProfile): ModelPlan {
  const found = architectureOf(model.architecture)
  const gpu = gpuByName(pool.gpu)
  if (gpu.kind !== 'found')
    throw new ProfileError([
      `pool.gpu is "${pool.gpu}"; it must be a GPU of the catalogue, such as ${gpu.near.join(', ')}`,
    ])
  const why = serving.preemptive === true ? whyNotPreemptive(serving.order ?? 'fcfs') : undefined
  if (why !== undefined) throw new ProfileError([`serving.preemptive is true; ${why}`])
  const served = withDtypes(found, {
    ...(serving.dtype === undefined ? {} : { weight: serving.dtype }),
    ...(serving.kvDtype === undefined ? {} : { kv: serving.kvDtype }),
  })
  const { tp, pagesPerBundle } = pool
  const geometry = kvGeometry({ model: served, tp, blockSize: serving.blockSize ?? 16, pagesPerBundle })
  if (geometry.kind !== 'fits')
    throw new ProfileError([
      `pool.pagesPerBundle is ${pagesPerBundle}; with tp ${tp} no block of ${model.architecture} fits into a bundle (${geometry.kind})`,
    ])
  return servedPlan({
    name: model.name,
    model: served,
    terms: engineTermsSchema.parse({ limit }),
    slo: sloOf(slo),
    engine: serving,
    pools: [pool],
    shared: true,
  })
}

function architectureOf(architecture: string): Model {
  const found = modelByName(architecture)
  if (found.kind === 'found') return found.model
  throw new ProfileError([
    `model.architecture is "${architecture}"; it must be a model of the catalogue, such as ${found.near.join(', ')}`,
  ])
}
