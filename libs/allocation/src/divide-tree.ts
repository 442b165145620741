import { invariant } from '@kvasir/kernel'
import { type Bounds, boundsFor, capOf, isHealthy, loadClaim } from './bounds.js'
import { CarryReader } from './carry.js'
import type { Condition, Division, DivisionInput, Group } from './division.js'
import { Level, type Share } from './level.js'
import { roundLevel } from './round-level.js'

/** The members below one group, or below the whole: first its claims, then its groups, in the order of the input. */
interface Node {
  readonly group: Group | null
  readonly claims: number[]
  readonly children: Node[]
  /** Position of the group among the input's groups. */
  readonly index: number
  readonly level: Level
  amount: number
}

/**
 * `divide` for claims in nested groups: top-down with the same solver. A group's floor and cap are the sums of its members'
 * within its own guarantee and limit. Exact shares stay fractions all the way down, and whole amounts are chosen level by level
 * so that each group's members add up to the group's: so every claim is within one unit of its exact share, and so is every group.
 *
 * Over time every member stays within one unit of its share of what its group really got, so a claim k levels deep within k units.
 */
export function divideTree(input: DivisionInput): Division {
  const bounds = boundsFor(input)
  const root = buildTree(input)
  const readers = openCarry(input)
  load(root, input, bounds, readers)

  const capacity = input.capacity
  const mode = input.carry === undefined ? 'alone' : 'over-time'
  const divided = Math.min(capacity, root.level.sumUpTo(root.level.caps, capacity))
  const conditions: Condition[] = []
  const result = emptyResult(input)
  descend(root, { whole: capacity, part: 0n, denominator: 1n }, divided, mode, (node) => {
    collect(node, input, bounds, result)
    if (node.level.overcommitted || (node === root && bounds.guaranteed > capacity))
      conditions.push(overcommitted(node, bounds.guaranteed, capacity))
  })
  if (bounds.active > capacity)
    conditions.push({ kind: 'fewer_units_than_claims', claims: bounds.active, capacity })
  // Read once: see `divide`.
  const { lambda } = root.level
  return {
    amounts: result.amounts,
    exact: result.exact,
    level: lambda === Infinity ? null : lambda,
    lent: lend(root, input, bounds, result.amounts, capacity - divided),
    conditions,
    carry: {
      ids: input.claims.map((claim) => claim.id),
      errors: result.errors,
      groupIds: (input.groups ?? []).map((group) => group.id),
      groupErrors: result.groupErrors,
    },
  }
}

interface Result {
  readonly amounts: number[]
  readonly exact: number[]
  readonly errors: number[]
  readonly groupErrors: number[]
}

function emptyResult(input: DivisionInput): Result {
  const zeros = input.claims.map(() => 0)
  return {
    amounts: zeros,
    exact: [...zeros],
    errors: [...zeros],
    groupErrors: (input.groups ?? []).map(() => 0),
  }
}

function buildTree(input: DivisionInput): Node {
  const groups = input.groups ?? []
  const root: Node = { group: null, claims: [], children: [], index: -1, level: new Level(), amount: 0 }
  const nodes = new Map<string, Node>()
  groups.forEach((group, index) =>
    nodes.set(group.id, { group, claims: [], children: [], index, level: new Level(), amount: 0 }),
  )
  invariant(nodes.size === groups.length, () => `${groups.length} groups have ${nodes.size} ids`)
  const parentOf = (id: string | undefined): Node => {
    if (id === undefined) return root
    const parent = nodes.get(id)
    invariant(parent !== undefined, () => `group ${id} does not exist`)
    return parent
  }
  for (const node of nodes.values()) parentOf(node.group?.parent).children.push(node)
  input.claims.forEach((claim, index) => parentOf(claim.group).claims.push(index))
  invariant(countNodes(root) === groups.length + 1, () => 'groups are their own ancestors')
  return root
}

function countNodes(node: Node): number {
  return node.children.reduce((sum, child) => sum + countNodes(child), 1)
}

interface Readers {
  readonly claims: CarryReader
  readonly groups: CarryReader
}

function openCarry(input: DivisionInput): Readers {
  const claims = new CarryReader()
  const groups = new CarryReader()
  claims.open(input.carry?.ids ?? [], input.carry?.errors ?? [])
  groups.open(input.carry?.groupIds ?? [], input.carry?.groupErrors ?? [])
  return { claims, groups }
}

/** Bounds bottom-up: a group is a member whose floor, cap and unit are its members' sums, within its own. */
function load(node: Node, input: DivisionInput, bounds: Bounds, readers: Readers): void {
  const { level, claims, children } = node
  level.reset(claims.length + children.length)
  claims.forEach((claim, at) => loadClaim(level, at, input.claims[claim], bounds, readers.claims))
  children.forEach((child, k) => {
    load(child, input, bounds, readers)
    loadGroup(level, claims.length + k, child, input.capacity, readers.groups)
  })
}

function loadGroup(level: Level, at: number, node: Node, capacity: number, carried: CarryReader): void {
  const { group, level: below } = node
  invariant(group !== null, () => 'the whole is no member of anything')
  const { id, weight, guarantee = 0, limit = Infinity } = group
  invariant(
    Number.isInteger(weight) && weight >= 1,
    () => `weight ${weight} of group ${id} is no whole number from 1`,
  )
  invariant(
    guarantee >= 0 && guarantee <= limit,
    () => `guarantee ${guarantee} of group ${id} is above its limit ${limit}`,
  )
  const cap = Math.min(limit, capacity, below.sumUpTo(below.caps, capacity))
  level.ids[at] = id
  level.weights[at] = weight
  level.caps[at] = cap
  level.units[at] = Math.min(cap, below.sumUpTo(below.units, capacity))
  level.floors[at] = Math.min(cap, Math.max(guarantee, below.sumUpTo(below.floors, capacity)))
  level.lags[at] = carried.errorOf(id, node.index)
}

/** Fills, rounds and reports a level, then those below it, each with its exact share and its whole amount. */
function descend(
  node: Node,
  share: Share,
  amount: number,
  mode: 'alone' | 'over-time',
  visit: (node: Node) => void,
): void {
  const { level, claims, children } = node
  level.fill(share)
  roundLevel(level, amount, mode)
  node.amount = amount
  visit(node)
  children.forEach((child, k) => {
    const at = claims.length + k
    descend(child, level.shareOf(at), level.amounts[at], mode, visit)
  })
}

function collect(node: Node, input: DivisionInput, bounds: Bounds, result: Result): void {
  const { level, claims, children } = node
  claims.forEach((claim, at) => {
    // A lending limit may keep more for a claim than it can use: as in `divide`.
    const exact = level.exactOf(at)
    const cap = bounds.cuts ? capOf(input.claims[claim], bounds.shareMax) : Infinity
    result.amounts[claim] = exact > cap ? cap : level.amounts[at]
    result.exact[claim] = Math.min(exact, cap)
    result.errors[claim] = exact > cap ? 0 : level.lags[at]
  })
  children.forEach((child, k) => {
    result.groupErrors[child.index] = level.lags[claims.length + k]
  })
}

function overcommitted(node: Node, guaranteed: number, capacity: number): Condition {
  const { level } = node
  if (node.group === null) return { kind: 'guarantees_overcommitted', group: null, guaranteed, capacity }
  // In an overcommitted level the floors have become the caps.
  let sum = 0
  for (let i = 0; i < level.size; i++) sum += level.caps[i]
  return { kind: 'guarantees_overcommitted', group: node.group.id, guaranteed: sum, capacity: node.amount }
}

/** What nobody demanded goes down the same tree by weight, up to the limits of claims and groups. */
function lend(
  root: Node,
  input: DivisionInput,
  bounds: Bounds,
  amounts: readonly number[],
  units: number,
): readonly number[] {
  const lent = amounts.map(() => 0)
  if (units === 0) return lent
  loadHeadroom(root, input, bounds, amounts)
  const whole = Math.min(units, root.level.sumUpTo(root.level.caps, units))
  descend(root, { whole: units, part: 0n, denominator: 1n }, whole, 'alone', (node) =>
    node.claims.forEach((claim, at) => {
      lent[claim] = node.level.amounts[at]
    }),
  )
  return lent
}

function loadHeadroom(node: Node, input: DivisionInput, bounds: Bounds, amounts: readonly number[]): void {
  const { level, claims, children } = node
  for (let i = 0; i < level.size; i++) {
    level.floors[i] = 0
    level.units[i] = 0
    level.lags[i] = 0
  }
  claims.forEach((index, at) => {
    const claim = input.claims[index]
    level.caps[at] = isHealthy(claim) ? Math.min(claim.limit, bounds.shareMax) - amounts[index] : 0
  })
  children.forEach((child, k) => {
    const used = child.amount
    loadHeadroom(child, input, bounds, amounts)
    const below = child.level.sumUpTo(child.level.caps, input.capacity)
    level.caps[claims.length + k] = Math.min((child.group?.limit ?? Infinity) - used, input.capacity, below)
  })
}
