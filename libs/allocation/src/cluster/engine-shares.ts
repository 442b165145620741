import { invariant } from '@kvasir/kernel'
import type { ClusterInput, EngineShare } from './cluster.js'
import type { Outcome } from './divide-cluster.js'
import type { Placement } from './placement.js'

/** Weights that are no whole numbers by themselves are made as fine as the division can take without arbitrary precision. */
const PRODUCT_MAX = 2 ** 51

/**
 * The weights and limits with which the pools' own divisions arrive at the outcome. An engine's weight is the part of its
 * model's weight that its amount is of its model's total, so that in every pool amounts stand to weights as the level says.
 * Engines held at a floor weigh no more than that, and those with all they can use no less: these keep their model's whole
 * weight, so that the next burst of one that was idle need not wait for a plan.
 */
export function engineShares(
  input: ClusterInput,
  placement: Placement,
  outcome: Outcome,
): readonly (readonly EngineShare[])[] {
  const limits = engineLimits(input, placement, outcome)
  let first = 0
  return input.pools.map(({ engines }, p) => {
    const pulls = engines.map((_, i) => pullOf(placement, outcome, first + i))
    const weights = wholeWeights(pulls)
    const shares = engines.map(({ engine }, i) => ({
      engine,
      weight: weights[i],
      limit: limits[first + i],
      exact: outcome.amounts[first + i],
    }))
    const units = shares.reduce((sum, share) => sum + share.exact, 0)
    invariant(
      units <= input.pools[p].capacity * (1 + 1e-9),
      () => `pool ${p} of ${input.pools[p].capacity} units was planned to give ${units}`,
    )
    first += engines.length
    return shares
  })
}

/** Weight that makes the amount of an engine what it is at the level of its pool, or leaves it at its bound. */
function pullOf(placement: Placement, outcome: Outcome, engine: number): number {
  const { weights, engineModel, enginePool, engineFloors, spare, crowded } = placement
  const m = engineModel[engine]
  const p = enginePool[engine]
  if (crowded[p] === 1 || spare[engine] === 0) return weights[m]
  const amount = outcome.amounts[engine]
  const level = outcome.poolLevels[p]
  const atLevel = level === Infinity || level === 0 ? 0 : amount / level
  if (outcome.full[engine] === 1) return Math.max(weights[m], atLevel)

  const total = outcome.totals[m] / outcome.denominators[m]
  const part = total === 0 ? 0 : weights[m] * (amount / total)
  if (level === Infinity || level === 0) return part
  if (amount === engineFloors[engine]) return Math.min(part, atLevel)
  // The same number unless a guarantee or a limit holds the model apart from the level; the former has no rounding in it.
  return Math.abs(part - atLevel) <= 1e-12 * part ? part : atLevel
}

/** As they are where they are whole, else in proportion. */
function wholeWeights(pulls: readonly number[]): readonly number[] {
  const most = Math.max(...pulls)
  if (most === 0) return pulls.map(() => 1)
  if (pulls.every((pull) => Number.isInteger(pull) && pull >= 1)) return pulls
  const heaviest = Math.floor(Math.sqrt(PRODUCT_MAX / pulls.length))
  return pulls.map((pull) => Math.max(1, Math.round((pull * heaviest) / most)))
}

/**
 * A limited model's limit, split among its engines: what each gets in the plan, and what is over in equal parts. They add up to
 * it, so no pool lifts the model above it by itself; only the guarantee of an engine, once demanded, can do so until the next plan.
 */
function engineLimits(input: ClusterInput, placement: Placement, outcome: Outcome): Float64Array {
  const terms = input.pools.flatMap(({ engines }) => engines)
  const limits = Float64Array.from(terms, ({ limit }) => limit)
  const enginesOf = input.models.map((): number[] => [])
  placement.engineModel.forEach((m, engine) => enginesOf[m].push(engine))
  enginesOf.forEach((engines, m) => {
    if (placement.limited[m] === 0) return
    const over = Math.floor(placement.caps[m] - outcome.totals[m] / outcome.denominators[m] + 1e-9)
    let sum = 0
    engines.forEach((engine, k) => {
      const from = Math.round(sum)
      sum += outcome.amounts[engine]
      const part = Math.floor((over * (k + 1)) / engines.length) - Math.floor((over * k) / engines.length)
      const { limit, guarantee } = terms[engine]
      limits[engine] = Math.max(guarantee, Math.min(limit, Math.round(sum) - from + part))
    })
  })
  return limits
}
