import { type EngineSpec, type PoolSettings, poolSettingsSchema, type Scenario } from '@kvasir/contracts'
import type { PathCost } from '@kvasir/experiment'
import { hostPresets } from '@kvasir/hardware'
import { type ClusterPlan, planCluster } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'

/** The engine generation where a scenario names none: as `DEFAULT_HOST` of the plan and of simulated groups. */
const DEFAULT_HOST = 'vllm-async'

/** Why a scenario cannot be played live; empty when it can. */
export function twinProblems({ hardware, cluster, models, workload, engine }: Scenario): readonly string[] {
  const closed = workload.generators.findIndex(({ arrivals }) => arrivals.kind === 'closed-loop')
  return [
    ...((hardware?.profiles ?? []).length === 0
      ? []
      : ['hardware.profiles is not empty; it must be left out: only the simulator reads profiles']),
    ...(cluster.sharing === 'spatial' || cluster.groups?.some(({ sharing }) => sharing === 'spatial') === true
      ? ['cluster.sharing is "spatial"; it must be "time": only the simulator runs steps side by side']
      : []),
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

/** A live group goes by the preset alone; what is measured must be added to its times. */
function hostProblems(path: string, engine: EngineSpec): readonly string[] {
  const { host = DEFAULT_HOST } = engine
  const own = (['hostStepMs', 'hostSequenceMs', 'fixedStepMs'] as const).flatMap((field) =>
    engine[field] === undefined
      ? []
      : [
          `${path}.${field} is ${engine[field]}; it must be left out: simulated groups in real time know host presets only`,
        ],
  )
  if (hostPresets[host].combination === 'added') return own
  return [
    ...own,
    `${path}.host is "${host}"; it must be a preset whose times are added to a step, such as ${DEFAULT_HOST}`,
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

/** The bare scenario with what the live path was measured to take: host times of steps and the front end. */
export function scenarioWithPath(bare: Scenario, costs: readonly PathCost[]): Scenario {
  return {
    ...bare,
    models: bare.models.map((model) => {
      const cost = costs.find(({ model: name }) => name === model.name)
      if (cost === undefined) return model
      const engine = { ...bare.engine, ...model.engine }
      return { ...model, engine: { ...model.engine, ...hostTimes(engine, cost) } }
    }),
  }
}

function hostTimes({ host = DEFAULT_HOST }: EngineSpec, cost: PathCost): EngineSpec {
  const { perStepUs, perSequenceUs } = hostPresets[host]
  return {
    // A step has one sequence at least: its share is in what was measured of a step.
    hostStepMs: (perStepUs + Math.max(0, cost.stepUs - cost.sequenceUs)) / 1_000,
    hostSequenceMs: (perSequenceUs.hopper + cost.sequenceUs) / 1_000,
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

/** What live engines are told of it: a second of waiting is worth as much as a second of the scenario. */
export function scenarioInMotion(scenario: Scenario, speed: number): Scenario {
  const aged = ({ agingPerS, ...engine }: EngineSpec): EngineSpec =>
    agingPerS === undefined ? engine : { ...engine, agingPerS: agingPerS * speed }
  return {
    ...scenario,
    engine: aged(scenario.engine),
    models: scenario.models.map((model) => ({
      ...model,
      ...(model.engine === undefined ? {} : { engine: aged(model.engine) }),
    })),
  }
}
