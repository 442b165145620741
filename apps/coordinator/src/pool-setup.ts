import {
  type CoordinatorModel,
  type CoordinatorPool,
  type CoordinatorProfile,
  type EngineTerms,
  engineTermsSchema,
  type ModelChange,
} from '@kvasir/contracts'
import { type PoolOptions, spreadHash } from '@kvasir/coordinator-core'
import { gpuByName, type Model, modelByName, tokenCost, withDtypes } from '@kvasir/hardware'
import { ProfileError } from '@kvasir/platform'
import { clusterUnitsOf, type ModelPlan, poolOptionsOf, servedPlan, stepCostOf } from '@kvasir/simulation'

/** A pool as its owners are set up, in every term of office alike. */
export interface PoolSetup {
  readonly options: Omit<PoolOptions, 'epoch'>
  /** Models were registered since: those that name their architecture are weighed by it, others as the cheapest model is. */
  learn(changes: readonly ModelChange[]): void
}

/** @throws {ProfileError} with one sentence for each thing that is not there. */
export function poolSetups(profile: CoordinatorProfile): ReadonlyMap<string, PoolSetup> {
  const problems = [
    ...profile.pools.flatMap(poolProblems),
    ...profile.models.flatMap((model) => modelProblems(model, profile)),
  ]
  if (problems.length > 0) throw new ProfileError(problems)
  const models = profile.models.map((model) => planOf(model, profile))
  return new Map(profile.pools.map((pool) => [pool.id, setupOf(pool, models, profile)]))
}

/** Every registered model may join every pool. */
function setupOf(
  pool: CoordinatorPool,
  models: readonly ModelPlan[],
  { policy, settings }: CoordinatorProfile,
): PoolSetup {
  const costOf = (model: ModelPlan) => stepCostOf(model, pool)
  const options = poolOptionsOf({ pool, policy, settings, models, costOf })
  const clusterUnits = models.length > 0 ? clusterUnitsOf({ settings, models }) : 1
  const unitsPerToken = new Map(options.unitsPerToken)
  const unit = settings.countTokens === 'plain' ? 1 : clusterUnits
  return {
    options: {
      ...options,
      unitsPerToken,
      clusterUnits,
      // The rounds of a process's pools do not begin all at once.
      roundPhaseUs: spreadHash(pool.id) % settings.roundUs,
    },
    learn: (changes) => {
      for (const { model, architecture } of changes) {
        if (architecture === undefined || unitsPerToken.has(model)) continue
        const found = modelByName(architecture)
        if (found.kind === 'found') unitsPerToken.set(model, tokenCost(found.model) / unit)
      }
    },
  }
}

/** The terms in what also says other things. */
export function termsIn(said: EngineTerms): EngineTerms {
  const { weight, guarantee, limit, priority, preemptible, group } = said
  return engineTermsSchema.parse({
    weight,
    guarantee,
    limit,
    priority,
    preemptible,
    ...(group === undefined ? {} : { group }),
  })
}

function planOf(model: CoordinatorModel, profile: CoordinatorProfile): ModelPlan {
  const { name, architecture, serving } = model
  return servedPlan({
    name,
    model: servedModelOf(architecture, serving),
    terms: termsIn(model),
    slo: { ttftUs: undefined, tpotUs: undefined, e2eUs: undefined },
    engine: serving,
    pools: profile.pools.filter(({ id }) => model.pools.includes(id)),
    shared: true,
  })
}

function servedModelOf(architecture: string, { dtype, kvDtype }: CoordinatorModel['serving']): Model {
  const found = modelByName(architecture)
  if (found.kind !== 'found') throw new ProfileError([`architecture is "${architecture}"`])
  return withDtypes(found.model, {
    ...(dtype === undefined ? {} : { weight: dtype }),
    ...(kvDtype === undefined ? {} : { kv: kvDtype }),
  })
}

function poolProblems({ id, gpu }: CoordinatorPool): string[] {
  const found = gpuByName(gpu)
  if (found.kind === 'found') return []
  return [
    `gpu of pool ${id} is "${gpu}"; it must be a GPU of the catalogue, such as ${found.near.join(', ')}`,
  ]
}

function modelProblems(
  { name, architecture, pools }: CoordinatorModel,
  profile: CoordinatorProfile,
): string[] {
  const known = profile.pools.map(({ id }) => id)
  return [
    ...architectureProblems(`architecture of model ${name}`, architecture),
    ...pools
      .filter((pool) => !known.includes(pool))
      .map((pool) => `pools of model ${name} has "${pool}"; it must be one of ${known.join(', ')}`),
  ]
}

/** What is wrong with the name of an architecture, as sentences. */
export function architectureProblems(field: string, architecture: string): string[] {
  const found = modelByName(architecture)
  if (found.kind === 'found') return []
  return [
    `${field} is "${architecture}"; it must be a model of the catalogue, such as ${found.near.join(', ')}`,
  ]
}
