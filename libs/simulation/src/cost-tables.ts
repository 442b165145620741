import type { KernelProfile, StepCostModel } from '@kvasir/hardware'
import type { ModelPlan, PoolPlan } from './cluster-plan.js'
import { stepCostOf } from './machines.js'

/**
 * Step costs by model and pool: engines of one kind share one table. Making one takes tens of milliseconds, so whoever simulates many
 * plans one after the other gives all of them the same tables.
 */
export class CostTables {
  readonly #shipped = new Map<string, StepCostModel>()
  /** By profiles of one's own, which are known by identity: nothing is kept of one that is forgotten. */
  readonly #measured = new WeakMap<KernelProfile, Map<string, StepCostModel>>()

  of(model: ModelPlan, pool: PoolPlan): StepCostModel {
    const tables = this.#tablesFor(pool.profile)
    const key = keyOf(model, pool)
    const known = tables.get(key)
    if (known) return known
    const made = stepCostOf(model, pool)
    tables.set(key, made)
    return made
  }

  #tablesFor(profile: KernelProfile | undefined): Map<string, StepCostModel> {
    if (profile === undefined) return this.#shipped
    const known = this.#measured.get(profile)
    if (known) return known
    const made = new Map<string, StepCostModel>()
    this.#measured.set(profile, made)
    return made
  }
}

/** All that `stepCostOf` reads but the profile. */
function keyOf(model: ModelPlan, pool: PoolPlan): string {
  const { architecture, weightDtype, kvDtype, host, hostStepUs, hostSequenceUs } = model
  const { expertSplit, dataParallel, fixedStepUs } = model
  return [
    architecture,
    weightDtype,
    kvDtype,
    host,
    hostStepUs,
    hostSequenceUs,
    fixedStepUs,
    expertSplit,
    dataParallel,
    pool.gpu,
    pool.tp,
    pool.basis,
  ].join('/')
}
