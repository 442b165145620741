import type { PolicyName } from '@kvasir/contracts'
import { apportion, type Apportionment } from './apportion.js'
import { boundsFor, isHealthy } from './bounds.js'
import { NO_CARRY } from './carry.js'
import { divide } from './divide.js'
import type { Claim, Condition, Division, DivisionInput } from './division.js'
import { divideDominant } from './dominant.js'
import { KAPSL_CAP_PERMILLE, kapslBudgets } from './kapsl.js'

/** What a policy may look at besides the resource it divides. */
export interface PolicyContext {
  /** The pool's other resources, claimed by the same claims in the same order; only `drf` asks for them. */
  others(): readonly DivisionInput[]
}

/** A rule that divides one resource among claims. All but the default exist for comparison and ignore groups. */
export type BudgetPolicy = (input: DivisionInput, context?: PolicyContext) => Division

/** Weighted max-min with floors and caps: the default. */
const weightedMaxMin: BudgetPolicy = (input) => divide(input)

/** By weight among claims with demand, cut to each one's cap; what the caps leave is not divided again. */
const proportional: BudgetPolicy = (input) => {
  const { shareMax } = boundsFor(input)
  const caps = input.claims.map((claim) =>
    isHealthy(claim) ? Math.min(claim.limit, claim.demand, shareMax) : 0,
  )
  return cutTo(
    caps,
    byWeight(input, (_, i) => caps[i] > 0),
  )
}

/** By weight, always, whoever has demand; cut to each one's limit. */
const fixed: BudgetPolicy = (input) => {
  const limits = input.claims.map((claim) => claim.limit)
  return cutTo(
    limits,
    byWeight(input, () => true),
  )
}

/**
 * Everybody may use everything: each amount is min(limit, demand, capacity). Breaks the law that budgets add up to the capacity at
 * most, on purpose: it is what happens when nobody coordinates, and whoever comes first wins.
 */
const uncoordinated: BudgetPolicy = (input) => {
  const { capacity, claims } = input
  const amounts = claims.map((claim) =>
    isHealthy(claim) ? Math.min(claim.limit, claim.demand, capacity) : 0,
  )
  const sum = amounts.reduce((total, amount) => total + amount, 0)
  const conditions: Condition[] = sum > capacity ? [{ kind: 'sum_exceeds_capacity', sum, capacity }] : []
  return plain(amounts, conditions)
}

/**
 * The earlier system's rule ({@link kapslBudgets}): claims in registration order, active when they have demand. `maxShare` is its
 * cap, 900 per mille when absent. Guarantees, limits and groups are unknown to it.
 */
const kapslCompat: BudgetPolicy = (input) => {
  const { capacity, claims, maxShare } = input
  const engines = claims.map(({ id, weight, demand }) => ({ id, weight, active: demand > 0 }))
  const permille = maxShare === undefined ? KAPSL_CAP_PERMILLE : Math.round(maxShare * 1000)
  const budgets = kapslBudgets(capacity, engines, permille)
  // It has no entries at all for a capacity of 0; ours says 0.
  return plain(claims.map((_, i) => (budgets.length === 0 ? 0 : budgets[i].maxTokens)))
}

/** Dominant resource fairness over this resource and the context's others. */
const dominant: BudgetPolicy = (input, context) => divideDominant([input, ...(context?.others() ?? [])])[0]

const policies: ReadonlyMap<PolicyName, BudgetPolicy> = new Map<PolicyName, BudgetPolicy>([
  ['weighted-max-min', weightedMaxMin],
  ['proportional', proportional],
  ['drf', dominant],
  ['kapsl-compat', kapslCompat],
  ['static', fixed],
  ['uncoordinated', uncoordinated],
])

export const POLICY_NAMES: readonly PolicyName[] = [...policies.keys()]

/** Whether a policy gives guarantees before weights count; the others do not know of them. */
export function knowsGuarantees(name: PolicyName): boolean {
  return name === 'weighted-max-min' || name === 'drf'
}

export type PolicyLookup =
  | { readonly kind: 'policy'; readonly name: PolicyName; readonly policy: BudgetPolicy }
  | { readonly kind: 'unknown_policy'; readonly name: string; readonly message: string }

/** One answer for each, made once: every round asks. */
const lookups: ReadonlyMap<string, PolicyLookup> = new Map(
  [...policies].map(([name, policy]) => [name, { kind: 'policy', name, policy }] as const),
)

export function policyByName(name: string): PolicyLookup {
  return (
    lookups.get(name) ?? {
      kind: 'unknown_policy',
      name,
      message: `policy ${JSON.stringify(name)} does not exist: use one of ${POLICY_NAMES.join(', ')}`,
    }
  )
}

/** Whole shares of the capacity by weight alone, among the claims that take part. */
function byWeight(input: DivisionInput, takesPart: (claim: Claim, index: number) => boolean): Apportionment {
  const { capacity, claims, carry } = input
  const weights = claims.map((claim, i) => (takesPart(claim, i) ? claim.weight : 0))
  return apportion(
    capacity,
    claims.map((claim) => claim.id),
    weights,
    carry,
  )
}

function cutTo(caps: readonly number[], shares: Apportionment): Division {
  return {
    amounts: shares.amounts.map((amount, i) => Math.min(amount, caps[i])),
    exact: shares.exact.map((amount, i) => Math.min(amount, caps[i])),
    level: null,
    lent: shares.amounts.map(() => 0),
    conditions: [],
    carry: shares.carry,
  }
}

function plain(amounts: readonly number[], conditions: readonly Condition[] = []): Division {
  return { amounts, exact: amounts, level: null, lent: amounts.map(() => 0), conditions, carry: NO_CARRY }
}
