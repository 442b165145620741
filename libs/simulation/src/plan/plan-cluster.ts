import { type ModelSpec, poolSettingsOf, type Scenario } from '@kvasir/contracts'
import { modelByName, type Model, withDtypes } from '@kvasir/hardware'
import { millisToMicros, secondsToMicros } from '@kvasir/kernel'
import type { ClusterPlan, EnginePlan, PoolPlan } from '../cluster-plan.js'
import { groupTimeS, type ModelDemand } from './group-time.js'
import { groupsOf } from './groups.js'
import { DEFAULT_BLOCK_SIZE, engineProblems, engineSpecOf, modelPlan } from './model-plan.js'
import { placeModels, type PlacementWish } from './placement.js'
import { allPlanned, planned, type Planning, refused } from './planning.js'
import type { PoolDraft } from './pool-draft.js'

export interface PlannedCluster {
  readonly plan: ClusterPlan
  /** What was decided that the scenario did not say, one sentence each. */
  readonly notes: readonly string[]
}

/** Answers every question that a scenario leaves open: TP groups, placement, memory, limits. */
export function planCluster(scenario: Scenario, demand?: ModelDemand): Planning<PlannedCluster> {
  const groups = groupsOf(scenario.cluster)
  if (groups.kind === 'refused') return groups
  const [yardstick] = groups.value
  const loadS = (spec: ModelSpec, model: Model) => {
    const traffic = spec.replicas === undefined ? demand?.get(spec.name) : undefined
    return traffic && groupTimeS(model, yardstick, traffic)
  }
  const wishes = allPlanned(scenario.models.map((spec, i) => wishOf(scenario, spec, i, loadS)))
  if (wishes.kind === 'refused') return wishes
  const problems = scenario.models.flatMap((spec) => engineProblems(scenario, spec))
  if (problems.length > 0) return refused(...problems)
  const placement = placeModels(wishes.value, {
    groups: groups.value,
    memoryUtilisation: scenario.cluster.memoryUtilisation,
    grow: scenario.cluster.grow,
  })
  if (placement.kind === 'refused') return placement
  const { pools, notes } = placement.value
  const crowded = pools.flatMap(crowdingProblems)
  if (crowded.length > 0) return refused(...crowded)
  const used = pools.filter((pool) => pool.placed.length > 0)
  const idle = pools.filter((pool) => pool.placed.length === 0).map(({ group }) => group.id)
  const idleNotes = idle.length === 0 ? [] : [`no model is placed on ${idle.join(', ')}`]
  const scarceNotes = used.flatMap((pool) => (isScarce(pool) ? [scarceNote(pool)] : []))
  return planned({
    plan: clusterPlan(scenario, wishes.value, used),
    notes: [...notes, ...idleNotes, ...scarceNotes],
  })
}

/** A number of blocks is an engine's that has the group's memory for itself. */
function crowdingProblems(pool: PoolDraft): string[] {
  if (pool.placed.length < 2) return []
  return pool.placed.flatMap(({ name, blocks }) => {
    if (blocks === undefined) return []
    const others = pool.placed.filter((other) => other.name !== name).map((other) => other.name)
    return [
      `engine.numGpuBlocks of model ${name} is ${blocks}; it must be left out, or ${name} needs a group of its own: ${pool.group.id} serves ${others.join(', ')} too`,
    ]
  })
}

/** Below this share of what an empty pool has, weights have all but crowded KV out. */
const SCARCE_KV_SHARE = 0.05

function isScarce(pool: PoolDraft): boolean {
  return (pool.kvBytesWith() ?? 0) < SCARCE_KV_SHARE * pool.emptyKvBytes()
}

function scarceNote(pool: PoolDraft): string {
  const gigabytes = ((pool.kvBytesWith() ?? 0) / 1e9).toFixed(1)
  return `weights leave only ${gigabytes} GB for KV on ${pool.group.id}: expect rejections and preemptions`
}

function wishOf(
  scenario: Scenario,
  spec: ModelSpec,
  index: number,
  loadS: (spec: ModelSpec, model: Model) => number | undefined,
): Planning<PlacementWish> {
  const path = `models[${index}]`
  const found = architectureOf(`${path}.architecture`, spec.architecture)
  if (found.kind === 'refused') return found
  const { blockSize = DEFAULT_BLOCK_SIZE, numGpuBlocks, dtype, kvDtype } = engineSpecOf(scenario, spec)
  const formats = {
    ...(dtype === undefined ? {} : { weight: dtype }),
    ...(kvDtype === undefined ? {} : { kv: kvDtype }),
  }
  const pools = spec.pools?.map((entry) => (typeof entry === 'string' ? entry : entry.pool))
  return planned({
    path,
    name: spec.name,
    model: withDtypes(found.value, formats),
    blockSize,
    blocks: numGpuBlocks,
    replicas: spec.replicas ?? 1,
    pools,
    demandS: loadS(spec, found.value),
  })
}

function architectureOf(path: string, name: string): Planning<Model> {
  const found = modelByName(name)
  if (found.kind === 'found') return planned(found.model)
  return refused(
    `${path} is "${name}"; it must be a model of the catalogue, such as ${found.near.join(', ')}`,
  )
}

function clusterPlan(
  scenario: Scenario,
  wishes: readonly PlacementWish[],
  pools: readonly PoolDraft[],
): ClusterPlan {
  const { network } = scenario
  return {
    name: scenario.name,
    seed: scenario.seed,
    policy: scenario.policy,
    settings: poolSettingsOf(scenario.coordinator),
    clusterShares: scenario.coordinator.clusterShares ?? false,
    dispatch: scenario.dispatch,
    network: { latencyUs: millisToMicros(network.latencyMs), jitterUs: millisToMicros(network.jitterMs) },
    pools: pools.map(poolPlan),
    models: wishes.map((wish, i) =>
      modelPlan(
        scenario,
        scenario.models[i],
        wish,
        pools.filter((pool) => pool.serves(wish.name)),
      ),
    ),
    engines: scenario.models.flatMap((spec) => enginePlans(spec, pools)),
  }
}

function poolPlan(pool: PoolDraft): PoolPlan {
  const { id, gpu, tp } = pool.group
  return { id, gpu: gpu.name, tp, pagesPerBundle: pool.pagesPerBundle(), bundles: pool.memory().bundles }
}

function enginePlans(spec: ModelSpec, pools: readonly PoolDraft[]): EnginePlan[] {
  return pools
    .filter((pool) => pool.serves(spec.name))
    .map(({ group }) => {
      const entry = spec.pools?.find(
        (candidate) => typeof candidate !== 'string' && candidate.pool === group.id,
      )
      const times = typeof entry === 'object' ? entry : { joinS: 0, leaveS: undefined }
      return {
        id: `${spec.name}@${group.id}`,
        model: spec.name,
        pool: group.id,
        joinUs: secondsToMicros(times.joinS),
        leaveUs: times.leaveS === undefined ? undefined : secondsToMicros(times.leaveS),
      }
    })
}
