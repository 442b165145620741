import {
  type EngineSpec,
  type PoolSettings,
  poolSettingsSchema,
  type Scenario,
  type SloTargets,
} from '@kvasir/contracts'
import { ownWorkUs, type PathCost } from '@kvasir/experiment'
import { type ClusterPlan, planCluster } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'

/** Why a scenario cannot be played live; empty when it can. */
export function twinProblems(scenario: Scenario): readonly string[] {
  const { hardware, cluster, models, workload, engine, faults = [] } = scenario
  const closed = workload.generators.findIndex(({ arrivals }) => arrivals.kind === 'closed-loop')
  return [
    ...((hardware?.profiles ?? []).length === 0
      ? []
      : ['hardware.profiles is not empty; it must be left out: only the simulator reads profiles']),
    ...(cluster.sharing === 'spatial' || cluster.groups?.some(({ sharing }) => sharing === 'spatial') === true
      ? ['cluster.sharing is "spatial"; it must be "time": only the simulator runs steps side by side']
      : []),
    ...(faults.length === 0
      ? []
      : ['faults is not empty; it must be left out: nothing is broken on the live side']),
    ...(closed < 0
      ? []
      : [
          `workload.generators[${closed}].arrivals.kind is "closed-loop"; it must be a law of arrival times: both sides are asked at the same moments`,
        ]),
    ...hostProblems('engine', engine),
    ...models.flatMap((model, i) => [
      ...hostProblems(`models[${i}].engine`, model.engine ?? {}),
      ...((model.dataParallel ?? 1) > 1
        ? [
            `models[${i}].dataParallel is ${model.dataParallel}; it must be 1: live engines do not compute in lock step`,
          ]
        : []),
      ...(model.pools?.some(
        (replica) => typeof replica === 'object' && (replica.joinS > 0 || replica.leaveS !== undefined),
      ) === true
        ? [
            `models[${i}].pools has joinS or leaveS; it must have neither: live engines are there all the time`,
          ]
        : []),
    ]),
  ]
}

/** A live group goes by the host preset alone, and how far away it is is measured. */
function hostProblems(path: string, engine: EngineSpec): readonly string[] {
  const times = (['hostStepMs', 'hostSequenceMs', 'fixedStepMs'] as const).flatMap((field) =>
    engine[field] === undefined
      ? []
      : [
          `${path}.${field} is ${engine[field]}; it must be left out: simulated groups in real time know host presets only`,
        ],
  )
  if (engine.remoteGroup === undefined) return times
  return [
    ...times,
    `${path}.remoteGroup is set; it must be left out: how far away a live group is, is measured`,
  ]
}

/**
 * The scenario as a live cluster does it: what arrives during a step is in the next one, for a live engine hears of it at once, and
 * nothing stands before an engine but the real HTTP.
 */
export function bareScenario(scenario: Scenario): Scenario {
  const bare = { planAhead: false, frontEndMs: 0 }
  return {
    ...scenario,
    engine: { ...scenario.engine, ...bare },
    models: scenario.models.map((model) => ({
      ...model,
      ...(model.engine === undefined ? {} : { engine: { ...model.engine, ...bare } }),
    })),
  }
}

/**
 * The bare scenario with what the live path was measured to take, where it lies: engines a message away from their groups, and the
 * front end. Half of the way is there and half is back; which half is longer, no latency tells.
 */
export function scenarioWithPath(bare: Scenario, costs: readonly PathCost[]): Scenario {
  return {
    ...bare,
    models: bare.models.map((model) => {
      const cost = costs.find(({ model: name }) => name === model.name)
      return cost === undefined ? model : { ...model, engine: { ...model.engine, ...pathOf(cost) } }
    }),
  }
}

function pathOf(cost: PathCost): EngineSpec {
  const outputUs = ownWorkUs(cost)
  return {
    remoteGroup: {
      latencyMs: (cost.stepUs - outputUs) / 2_000,
      outputMs: outputUs / 1_000,
      outputSequenceMs: cost.sequenceUs / 1_000,
    },
    frontEndMs: Math.round(cost.frontEndUs) / 1_000,
  }
}

/** @throws {BadInput} when the models do not fit. */
export function planOf(scenario: Scenario): ClusterPlan {
  const planning = planCluster(scenario)
  if (planning.kind === 'refused') throw new BadInput(planning.problems)
  return planning.value.plan
}

/**
 * A plan as it is played when the groups run `speed` times as fast as the modelled GPUs: everything else that takes time is stretched
 * alike, so that the whole cluster is the same in another motion.
 */
export function inMotion(plan: ClusterPlan, speed: number): ClusterPlan {
  return speed === 1 ? plan : { ...plan, settings: stretched(plan.settings, speed) }
}

function stretched(settings: PoolSettings, speed: number): PoolSettings {
  const stretch = (us: number) => (us === 0 ? 0 : Math.max(1, Math.round(us / speed)))
  const entries = Object.entries(settings).map(([name, value]): [string, unknown] => [
    name,
    name.endsWith('Us') ? stretch(Number(value)) : value,
  ])
  return poolSettingsSchema.parse(Object.fromEntries(entries))
}

/**
 * What live engines are told of it: a second of waiting is worth as much as a second of the scenario, and latencies are promised that are
 * as long.
 */
export function scenarioInMotion(scenario: Scenario, speed: number): Scenario {
  const aged = ({ agingPerS, ...engine }: EngineSpec): EngineSpec =>
    agingPerS === undefined ? engine : { ...engine, agingPerS: agingPerS * speed }
  return {
    ...scenario,
    slo: promisedInMotion(scenario.slo, speed),
    engine: aged(scenario.engine),
    models: scenario.models.map((model) => ({
      ...model,
      ...(model.slo === undefined ? {} : { slo: promisedInMotion(model.slo, speed) }),
      ...(model.engine === undefined ? {} : { engine: aged(model.engine) }),
    })),
  }
}

function promisedInMotion({ ttftMs, tpotMs, e2eMs }: SloTargets, speed: number): SloTargets {
  return {
    ...(ttftMs === undefined ? {} : { ttftMs: ttftMs / speed }),
    ...(tpotMs === undefined ? {} : { tpotMs: tpotMs / speed }),
    ...(e2eMs === undefined ? {} : { e2eMs: e2eMs / speed }),
  }
}
