/**
 * The division of the system this one grew from (kapsl-llm 0.1.0, read in reference/prior-systems.md §2.1, K1-K9), kept exactly,
 * defects included, so that old and new can be compared on the same load. Its recorded answers are in
 * data/seed-workloads/kapsl-budgets.json.
 */
export interface KapslEngine {
  readonly id: string
  /** Raised to 1 when lower. */
  readonly weight: number
  readonly active: boolean
}

export interface KapslBudget {
  readonly id: string
  readonly maxTokens: number
}

export const KAPSL_CAP_PERMILLE = 900

/**
 * Budgets in registration order; no entry at all when there is nothing to divide.
 *
 * Every engine's natural share is taken over all weights, active or not. An idle engine's share goes whole, and past the cap, to
 * the first engine registered that has a budget; so does what rounding left, up to the cap; the rest is lost.
 *
 * @param capPermille clamped to 100..1000.
 */
export function kapslBudgets(
  globalTokens: number,
  engines: readonly KapslEngine[],
  capPermille = KAPSL_CAP_PERMILLE,
): readonly KapslBudget[] {
  if (engines.length === 0 || globalTokens === 0) return []
  const cap = kapslCap(globalTokens, capPermille)
  const weights = engines.map((engine) => Math.max(1, engine.weight))
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0)
  const allActive = engines.every((engine) => !engine.active)

  const budgets: number[] = []
  let idlePool = 0
  let rounding = globalTokens
  engines.forEach((engine, i) => {
    const natural = naturalShare(globalTokens, weights[i], totalWeight)
    const active = engine.active || allActive
    rounding -= natural
    if (!active) idlePool += natural
    budgets.push(active ? Math.min(natural, cap) : 0)
  })
  const first = budgets.findIndex((tokens) => tokens > 0)
  if (first >= 0) {
    budgets[first] += idlePool
    budgets[first] += Math.min(rounding, Math.max(0, cap - budgets[first]))
  }
  return engines.map((engine, i) => ({ id: engine.id, maxTokens: budgets[i] }))
}

/** floor(global x permille / 1000), the permille clamped to 100..1000. */
export function kapslCap(globalTokens: number, capPermille: number): number {
  const permille = Math.min(1000, Math.max(100, capPermille))
  return Number((BigInt(globalTokens) * BigInt(permille)) / 1000n)
}

/** floor(global x weight / total) in 64 bits without overflow check, as its release build computes it. */
function naturalShare(globalTokens: number, weight: number, totalWeight: number): number {
  const product = globalTokens * weight
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / totalWeight)
  return Number(BigInt.asUintN(64, BigInt(globalTokens) * BigInt(weight)) / BigInt(totalWeight))
}
