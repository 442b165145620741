import { CAPACITY_MAX, type Claim, type DivisionInput, type Group } from './division.js'

/** One thing wrong with an input: which field, what it was, and what would be right. */
export interface Problem {
  /** Path as in the input: `claims[2].weight`. */
  readonly field: string
  readonly value: unknown
  readonly expected: string
}

/** Every problem of the input, in its order; empty: `divide` will take it. */
export function validateDivision(input: DivisionInput): readonly Problem[] {
  const problems: Problem[] = []
  const groups = input.groups ?? []
  const groupIds = new Set(groups.map((group) => group.id))
  const refuse = (field: string, value: unknown, expected: string): void => {
    problems.push({ field, value, expected })
  }

  if (!isWhole(input.capacity) || input.capacity > CAPACITY_MAX)
    refuse('capacity', input.capacity, 'a whole number in 0..2^53')
  const { maxShare } = input
  if (maxShare !== undefined && !(maxShare >= 0 && maxShare <= 1))
    refuse('maxShare', maxShare, 'a number in 0..1')

  const seen = new Set<string>()
  input.claims.forEach((claim, i) => {
    checkMember(`claims[${i}]`, claim, claim.guarantee, claim.limit, seen, refuse)
    if (!isWhole(claim.demand) && claim.demand !== Infinity)
      refuse(`claims[${i}].demand`, claim.demand, 'a whole number from 0, or Infinity for everything')
    const { lendingLimit = Infinity } = claim
    if (!isWhole(lendingLimit) && lendingLimit !== Infinity)
      refuse(`claims[${i}].lendingLimit`, lendingLimit, 'a whole number from 0')
    if (claim.group !== undefined && !groupIds.has(claim.group))
      refuse(`claims[${i}].group`, claim.group, known('the id of a group', groupIds))
  })
  const seenGroups = new Set<string>()
  groups.forEach((group, i) => {
    checkMember(`groups[${i}]`, group, group.guarantee ?? 0, group.limit ?? Infinity, seenGroups, refuse)
    if (group.parent !== undefined && !groupIds.has(group.parent))
      refuse(`groups[${i}].parent`, group.parent, known('the id of another group', groupIds))
  })
  checkAncestors(groups, refuse)
  const weights = [...input.claims, ...groups].reduce((sum, member) => sum + member.weight, 0)
  if (weights > CAPACITY_MAX) refuse('claims', weights, 'weights that add up to at most 2^53')
  return problems
}

/** One line a problem: `claims[2].weight is 0: must be a whole number from 1`. */
export function describeProblem(problem: Problem): string {
  const value = typeof problem.value === 'number' ? String(problem.value) : JSON.stringify(problem.value)
  return `${problem.field} is ${value}: must be ${problem.expected}`
}

type Refuse = (field: string, value: unknown, expected: string) => void

function checkMember(
  path: string,
  member: Pick<Claim | Group, 'id' | 'weight'>,
  guarantee: number,
  limit: number,
  seen: Set<string>,
  refuse: Refuse,
): void {
  if (member.id === '') refuse(`${path}.id`, member.id, 'a name')
  if (seen.has(member.id)) refuse(`${path}.id`, member.id, 'an id that no other entry has')
  seen.add(member.id)
  if (!isWhole(member.weight) || member.weight < 1 || member.weight > CAPACITY_MAX)
    refuse(`${path}.weight`, member.weight, 'a whole number from 1')
  if (!isWhole(limit) && limit !== Infinity)
    refuse(`${path}.limit`, limit, 'a whole number from 0, or Infinity for none')
  if (!isWhole(guarantee)) refuse(`${path}.guarantee`, guarantee, 'a whole number from 0')
  else if (guarantee > limit) refuse(`${path}.guarantee`, guarantee, `at most the limit ${limit}`)
}

/** Follows each group upwards; more steps than groups means a circle. */
function checkAncestors(groups: readonly Group[], refuse: Refuse): void {
  const parents = new Map(groups.map((group) => [group.id, group.parent]))
  groups.forEach((group, i) => {
    let ancestor = group.parent
    for (let steps = 0; ancestor !== undefined && steps <= groups.length; steps++) {
      if (ancestor === group.id)
        return refuse(`groups[${i}].parent`, group.parent, 'a group that is not below this one')
      ancestor = parents.get(ancestor)
    }
  })
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 0
}

function known(what: string, ids: ReadonlySet<string>): string {
  return ids.size === 0 ? `${what}, but there are no groups` : `${what}: ${[...ids].join(', ')}`
}
