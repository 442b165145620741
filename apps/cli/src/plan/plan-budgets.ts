import { type BudgetPolicy, type Claim, type DivisionInput, validateDivision } from '@kvasir/allocation'
import {
  type BudgetPlan,
  type BudgetSnapshot,
  budgetSnapshotSchema,
  parseDocument,
  type Parsed,
} from '@kvasir/contracts'

/** Reads a snapshot: its own fields first, then what they say to each other. */
export function parseBudgetSnapshot(document: unknown): Parsed<BudgetSnapshot> {
  const parsed = parseDocument(budgetSnapshotSchema, document)
  if (parsed.kind === 'refused') return parsed
  const problems = validateDivision(divisionInput(parsed.value)).map(({ field, value, expected }) => {
    const name = field.replace(/^claims\b/, 'engines')
    return `${name} is ${typeof value === 'number' ? value : JSON.stringify(value)}; it must be ${expected}`
  })
  return problems.length === 0 ? parsed : { kind: 'refused', problems }
}

/**
 * The budgets of one round that stands alone.
 * @param ignoresGroups the policy divides among engines whatever groups they are in, and the answer says so.
 */
export function planBudgets(
  snapshot: BudgetSnapshot,
  policy: BudgetPolicy,
  { ignoresGroups }: { readonly ignoresGroups: boolean },
): BudgetPlan {
  const { amounts, level, conditions } = policy(divisionInput(snapshot))
  const kinds = new Set<string>(conditions.map(({ kind }) => kind))
  if (ignoresGroups && snapshot.groups.length > 0) kinds.add('groups_ignored')
  return {
    budgets: snapshot.engines.map(({ id }, i) => ({ engine: id, tokens: amounts[i] })),
    lambda: level,
    conditions: [...kinds],
  }
}

function divisionInput({ capacity, engines, groups, maxShare }: BudgetSnapshot): DivisionInput {
  return {
    capacity,
    maxShare,
    claims: engines.map(
      ({ id, weight, guarantee, limit = Infinity, demand = Infinity, group, health }): Claim => ({
        id,
        weight,
        guarantee,
        limit,
        demand,
        health,
        ...(group === undefined ? {} : { group }),
      }),
    ),
    groups: groups.map(({ id, weight, guarantee, limit, parent }) => ({
      id,
      weight,
      guarantee,
      ...(limit === undefined ? {} : { limit }),
      ...(parent === undefined ? {} : { parent }),
    })),
  }
}
