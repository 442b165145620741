import { compareIds, invariant } from '@kvasir/kernel'
import { coverExactly } from './cover-exactly.js'
import { coverGreedily } from './cover-greedily.js'
import {
  type Choice,
  type ChoiceInput,
  type DonorClass,
  EXACT_CELLS_MAX,
  type Pick,
  sumOfBundles,
  sumOfCosts,
} from './donor-class.js'
import { fillBack } from './fill-back.js'
import { menuOfLimitedDonor } from './limited-donor.js'
import { canonicalOrder, cutAt, type Menu, menuOfClass, pointsOf, reachOf } from './menu.js'

/** Combining limited donors takes more work for the same exactness: this many times the cells of single classes. */
const LIMITED_CELLS_FACTOR = 4

/**
 * Chooses who frees what, over all donors together, at the least total cost: exactly by dynamic programming while the work is at most
 * `exactCellsMax`, else by the best of several greedy orders. Nothing is taken that could be given back.
 *
 * A donor's room is looked at only where it is passed: the choice without it is a lower bound, so when that one keeps all
 * rooms, it is the answer. Otherwise the donors that gave too much are replaced by all they can give within their room.
 *
 * The result does not depend on the order of classes. When `needed` cannot be freed but `min` can, everything is.
 */
export function chooseDonors(input: ChoiceInput): Choice {
  const { needed, min = needed, classes, exactCellsMax = EXACT_CELLS_MAX } = input
  for (const { donor, points } of classes)
    for (const { bundles, cost } of points)
      invariant(
        Number.isSafeInteger(bundles) && bundles >= 0 && cost >= 0 && cost < Infinity,
        () => `${donor} offers ${bundles} bundles at ${cost}`,
      )
  if (needed <= 0) return { kind: 'chosen', picks: [], cost: 0, freed: 0, exact: true }
  const table = new DonorTable(input)
  const most = table.reach()
  if (most < needed) {
    const available = table.reachWithinRooms()
    if (available < min || available === 0) return { kind: 'infeasible', available }
    return solve(table, available, exactCellsMax)
  }
  const choice = solve(table, needed, exactCellsMax)
  if (choice.kind === 'chosen' || choice.available < min || choice.available === 0) return choice
  return solve(table, choice.available, exactCellsMax)
}

/** Most bundles that all donors together could free within their rooms. */
export function reachableBundles(
  classes: readonly DonorClass[],
  rooms?: ReadonlyMap<string, number>,
): number {
  return new DonorTable({ classes, ...(rooms === undefined ? {} : { rooms }) }).reachWithinRooms()
}

function solve(table: DonorTable, target: number, cellsMax: number): Choice {
  const limited = new Set<string>()
  for (;;) {
    const menus = table.menus(limited)
    if (reachOf(menus) < target) return { kind: 'infeasible', available: table.reachWithinRooms() }
    const points = pointsOf(menus.map((menu) => cutAt(menu, target)))
    const exact = points * target <= cellsMax * (limited.size > 0 ? LIMITED_CELLS_FACTOR : 1)
    const cover = exact ? coverExactly(menus, target) : coverGreedily(menus, table.classMenus, target)
    const picks = fillBack(cover, table.classMenus, target)
    const passed = table.donorsOverRoom(picks).filter((donor) => !limited.has(donor))
    if (passed.length === 0) {
      const ordered = [...picks].sort((a, b) => compareIds(a.donor, b.donor) || a.classIndex - b.classIndex)
      return {
        kind: 'chosen',
        picks: ordered,
        cost: sumOfCosts(ordered),
        freed: sumOfBundles(ordered),
        exact,
      }
    }
    for (const donor of passed) limited.add(donor)
  }
}

interface DonorOffer {
  readonly classes: readonly DonorClass[]
  readonly rooms?: ReadonlyMap<string, number>
}

/** The classes by donor, in an order of their own, with menus made when first needed. */
class DonorTable {
  readonly #classes: readonly DonorClass[]
  readonly #rooms: ReadonlyMap<string, number>
  /** Class positions by donor, donors by id. */
  readonly #donors = new Map<string, number[]>()
  /** By position of the class. */
  readonly classMenus: Menu[] = []
  readonly #limitedMenus = new Map<string, Menu>()

  constructor({ classes, rooms }: DonorOffer) {
    this.#classes = classes
    this.#rooms = rooms ?? new Map()
    for (const i of canonicalOrder(classes)) {
      const { donor } = classes[i]
      const known = this.#donors.get(donor)
      if (known === undefined) this.#donors.set(donor, [i])
      else known.push(i)
      this.classMenus[i] = menuOfClass(classes[i], i, this.#roomOf(donor))
    }
  }

  /** Most bundles without regard to what a donor's classes add up to. */
  reach(): number {
    return reachOf(this.menus(new Set()))
  }

  reachWithinRooms(): number {
    let sum = 0
    for (const [donor, indices] of this.#donors) {
      const offered = reachOf(indices.map((i) => this.classMenus[i]))
      sum += offered <= this.#roomOf(donor) ? offered : reachOf([this.#limitedMenu(donor, indices)])
    }
    return sum
  }

  /** One menu a class; one for all classes together of a donor in `limited`. */
  menus(limited: ReadonlySet<string>): readonly Menu[] {
    const menus: Menu[] = []
    for (const [donor, indices] of this.#donors) {
      if (limited.has(donor)) menus.push(this.#limitedMenu(donor, indices))
      else for (const i of indices) menus.push(this.classMenus[i])
    }
    return menus
  }

  donorsOverRoom(picks: readonly Pick[]): readonly string[] {
    const freed = new Map<string, number>()
    for (const { donor, bundles } of picks) freed.set(donor, (freed.get(donor) ?? 0) + bundles)
    return [...freed].filter(([donor, bundles]) => bundles > this.#roomOf(donor)).map(([donor]) => donor)
  }

  #roomOf(donor: string): number {
    return this.#rooms.get(donor) ?? Infinity
  }

  #limitedMenu(donor: string, indices: readonly number[]): Menu {
    let menu = this.#limitedMenus.get(donor)
    if (menu === undefined) {
      menu = menuOfLimitedDonor(this.#classes, indices, this.#roomOf(donor))
      this.#limitedMenus.set(donor, menu)
    }
    return menu
  }
}
