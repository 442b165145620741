import { type ClusterSpec, type ModelSpec, poolSettingsOf, type Scenario } from '@kvasir/contracts'
import { kvBytesPerTokenPerRank, modelByName, type Model, PAGE_BYTES, withDtypes } from '@kvasir/hardware'
import { millisToMicros, secondsToMicros } from '@kvasir/kernel'
import { defaultSchedulerConfig } from '@kvasir/scheduler'
import type { ClusterPlan, EnginePlan, PoolPlan, TenantPlan } from '../cluster-plan.js'
import { faultPlan, faultProblems } from '../faults/fault-plan.js'
import { groupTimeS, type ModelDemand } from './group-time.js'
import { groupsOf, type TpGroup } from './groups.js'
import { DEFAULT_BLOCK_SIZE, engineProblems, engineSpecOf, modelPlan } from './model-plan.js'
import { placeModels, type PlacementWish } from './placement.js'
import { allPlanned, planned, type Planning, refused } from './planning.js'
import type { MemorySplit, PoolDraft } from './pool-draft.js'

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
    // Engines in lock step come in full sets, as many as the scenario says.
    const open = spec.replicas === undefined && spec.dataParallel === undefined
    const traffic = open ? demand?.get(spec.name) : undefined
    return traffic && groupTimeS(model, yardstick, traffic)
  }
  const wishes = allPlanned(scenario.models.map((spec, i) => wishOf(scenario, spec, i, loadS)))
  if (wishes.kind === 'refused') return wishes
  const problems = [
    ...scenario.models.flatMap((spec) => engineProblems(scenario, spec)),
    ...bundleProblems(scenario.cluster, groups.value, wishes.value),
  ]
  if (problems.length > 0) return refused(...problems)
  const placement = placeModels(wishes.value, {
    groups: groups.value,
    memory: memorySplit(scenario.cluster),
    grow: scenario.cluster.grow,
  })
  if (placement.kind === 'refused') return placement
  const { pools, notes } = placement.value
  const crowded = pools.flatMap(crowdingProblems)
  const unlike = wishes.value.flatMap((wish) => unlikeProblems(wish, pools))
  if (crowded.length + unlike.length > 0) return refused(...crowded, ...unlike)
  const used = pools.filter((pool) => pool.placed.length > 0)
  const plan = clusterPlan(scenario, wishes.value, used)
  const unmet = faultProblems(scenario.faults ?? [], plan)
  if (unmet.length > 0) return refused(...unmet)
  const idle = pools.filter((pool) => pool.placed.length === 0).map(({ group }) => group.id)
  const idleNotes = idle.length === 0 ? [] : [`no model is placed on ${idle.join(', ')}`]
  const scarceNotes = used.flatMap((pool) => (isScarce(pool) ? [scarceNote(pool)] : []))
  return planned({
    plan,
    notes: [...notes, ...idleNotes, ...scarceNotes],
  })
}

const GIBIBYTE = 2 ** 30
const MEBIBYTE = 2 ** 20

/** A bundle holds whole blocks, so at least one of every model that may be put on the group. */
function bundleProblems(
  { bundleMiB }: ClusterSpec,
  groups: readonly TpGroup[],
  wishes: readonly PlacementWish[],
): string[] {
  if (bundleMiB === undefined) return []
  return wishes.flatMap(({ model, blockSize, pools }) => {
    const own = groups.filter(({ id }) => pools === undefined || pools.includes(id))
    const blockBytes = Math.max(0, ...own.map(({ tp }) => kvBytesPerTokenPerRank(model, tp) * blockSize))
    const pages = Math.ceil(blockBytes / PAGE_BYTES)
    if (bundleMiB * MEBIBYTE >= pages * PAGE_BYTES) return []
    return [
      `cluster.bundleMiB is ${bundleMiB}; it must be at least ${(pages * PAGE_BYTES) / MEBIBYTE}: a block of ${model.name} takes ${(blockBytes / MEBIBYTE).toFixed(1)} MiB of each GPU`,
    ]
  })
}

function memorySplit({ memoryUtilisation, reserveGiB, bundleMiB }: ClusterSpec): MemorySplit {
  return {
    ...(bundleMiB === undefined ? {} : { pagesPerBundle: (bundleMiB * MEBIBYTE) / PAGE_BYTES }),
    ...(memoryUtilisation === undefined ? {} : { memoryUtilisation }),
    ...(reserveGiB === undefined ? {} : { reserveBytesPerRank: Math.ceil(reserveGiB * GIBIBYTE) }),
  }
}

/** A number of blocks is an engine's that has the group's memory for itself, and lock step one's that has all of its time. */
function crowdingProblems(pool: PoolDraft): string[] {
  if (pool.placed.length < 2) return []
  return pool.placed.flatMap(({ name, blocks, sharing }) => {
    const others = pool.placed.filter((other) => other.name !== name).map((other) => other.name)
    const alone = `it must be left out, or ${name} needs a group of its own: ${pool.group.id} serves ${others.join(', ')} too`
    const { dataParallel = 1 } = sharing
    return [
      ...(blocks === undefined ? [] : [`engine.numGpuBlocks of model ${name} is ${blocks}; ${alone}`]),
      ...(dataParallel === 1 ? [] : [`dataParallel of model ${name} is ${dataParallel}; ${alone}`]),
    ]
  })
}

/** Engines in lock step are alike. */
function unlikeProblems({ path, name, sharing }: PlacementWish, pools: readonly PoolDraft[]): string[] {
  const { dataParallel = 1 } = sharing
  if (dataParallel === 1) return []
  const groups = pools.filter((pool) => pool.serves(name)).map(({ group }) => group)
  const kinds = new Set(
    groups.map(
      ({ gpu, tp }) => `${tp} ${gpu.name} (${groups.find((g) => g.gpu === gpu && g.tp === tp)?.id})`,
    ),
  )
  if (kinds.size === 1) return []
  return [
    `${path}.dataParallel is ${dataParallel}; it must be left out, or its replicas need groups of one kind, not ${[...kinds].join(' and ')}`,
  ]
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
  const { numGpuBlocks, dtype, kvDtype, ...sizes } = engineSpecOf(scenario, spec)
  const formats = {
    ...(dtype === undefined ? {} : { weight: dtype }),
    ...(kvDtype === undefined ? {} : { kv: kvDtype }),
  }
  const { dataParallel = 1, expertParallel = false } = spec
  if (dataParallel > 1 && found.value.feedForward.kind !== 'experts') {
    return refused(
      `${path}.dataParallel is ${dataParallel}; it must be left out: ${found.value.name} has no experts to share, so its replicas need no lock step`,
    )
  }
  const pools = spec.pools?.map((entry) => (typeof entry === 'string' ? entry : entry.pool))
  return planned({
    path,
    name: spec.name,
    model: withDtypes(found.value, formats),
    blockSize: sizes.blockSize ?? DEFAULT_BLOCK_SIZE,
    stepTokenLimit: sizes.stepTokenLimit ?? defaultSchedulerConfig.stepTokenLimit,
    sequenceLimit: sizes.sequenceLimit ?? defaultSchedulerConfig.sequenceLimit,
    blocks: numGpuBlocks,
    sharing: { dataParallel, expertSplit: expertParallel ? 'expert' : 'tensor' },
    replicas: spec.replicas ?? dataParallel,
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
  const tenants = tenantPlans(scenario)
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
    ...(tenants.length === 0 ? {} : { tenants }),
    ...(scenario.faults?.length ? { faults: scenario.faults.map(faultPlan) } : {}),
  }
}

/** Those that generators name, once each. */
function tenantPlans({ workload }: Scenario): readonly TenantPlan[] {
  const named = workload.generators.flatMap(({ tenants = [] }) => tenants)
  return [...new Map(named.map(({ tenant, weight = 1 }) => [tenant, weight]))].map(([name, weight]) => ({
    name,
    weight,
  }))
}

function poolPlan(pool: PoolDraft): PoolPlan {
  const { id, gpu, tp, sharing } = pool.group
  return {
    id,
    gpu: gpu.name,
    tp,
    pagesPerBundle: pool.pagesPerBundle(),
    bundles: pool.memory().bundles,
    ...(sharing === 'time' ? {} : { sharing }),
  }
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
