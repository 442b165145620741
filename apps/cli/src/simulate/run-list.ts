import type { PolicyName, Scenario } from '@kvasir/contracts'
import type { SimulateFlags } from './flags.js'

/** One simulation of an invocation. */
export interface PlannedRun {
  readonly policy: PolicyName
  readonly seed: number
  /** Path below the output folder, with a slash at its end; empty when there is only one run. */
  readonly prefix: string
}

/** Every policy with every seed: those of the command line, else those the scenario compares, else its own. */
export function plannedRuns(scenario: Scenario, flags: SimulateFlags): readonly PlannedRun[] {
  const policies = flags.policies ?? scenario.compare?.policies ?? [scenario.policy]
  const seeds = flags.seeds ?? scenario.compare?.seeds ?? [scenario.seed]
  return policies.flatMap((policy) =>
    seeds.map((seed) => {
      const parts = [...(policies.length > 1 ? [policy] : []), ...(seeds.length > 1 ? [`seed-${seed}`] : [])]
      return { policy, seed, prefix: parts.map((part) => `${part}/`).join('') }
    }),
  )
}
