import { parseScenario, type Scenario, type ScenarioInput, type SimulatedSummary } from '@kvasir/contracts'
import { invariant, secondsToMicros } from '@kvasir/kernel'
import {
  type ClusterPlan,
  planCluster,
  requestsOf,
  Simulation,
  userGroupsOf,
  type WorkloadFiles,
} from '@kvasir/simulation'
import type { RequestStream } from '@kvasir/workload'
import { BadInput } from '../bad-input.js'

/** Generators of scenarios written in code read no files. */
export const noFiles: WorkloadFiles = {
  arrivalsUs: (file) => invariant(false, () => `a scenario of the command reads ${file}`) ?? [],
  lengths: (file) => invariant(false, () => `a scenario of the command reads ${file}`) ?? [],
}

export interface ServeOptions {
  /** In place of the scenario's own requests. */
  readonly requests?: RequestStream
}

const EVENTS_PER_SLICE = 1_000_000

/**
 * Runs a scenario that was written in code, by the scheduler that engines run, to its end. Decides nothing and writes nothing.
 * @throws {BadInput} when it contradicts itself or does not fit on its GPUs.
 */
export function serveScenario(input: ScenarioInput, options: ServeOptions = {}): SimulatedSummary {
  const { scenario, plan } = planOf(input)
  const simulation = new Simulation(plan, {
    requests: options.requests ?? requestsOf(scenario, [], noFiles),
    users: userGroupsOf(scenario, noFiles),
    ...(scenario.stopAtS === undefined ? {} : { untilUs: secondsToMicros(scenario.stopAtS) }),
  })
  while (!simulation.run(EVENTS_PER_SLICE));
  return simulation.result().summary
}

/** @throws {BadInput} as `serveScenario`. */
export function planOf(input: ScenarioInput): { readonly scenario: Scenario; readonly plan: ClusterPlan } {
  const parsed = parseScenario(input)
  if (parsed.kind === 'refused') throw new BadInput(parsed.problems)
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new BadInput(planned.problems)
  return { scenario: parsed.value, plan: planned.value.plan }
}
