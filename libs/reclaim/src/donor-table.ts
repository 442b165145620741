import type { DonorClass } from './donor-class.js'
import { type LimitedMenu, menuOfLimitedDonor } from './limited-donor.js'
import { canonicalOrder, type Menu, menuOfClass, mostOf, pointsOfClass } from './menu.js'
import { mostWithin } from './reach.js'

interface DonorOffer {
  readonly classes: readonly DonorClass[]
  /** Most bundles a donor may give up; no entry: all it offers. */
  readonly rooms?: ReadonlyMap<string, number>
}

interface Donor {
  /** Positions of its classes. */
  readonly indices: number[]
  readonly room: number
  offered: number
  /** Bundles of its largest point. */
  largest: number
}

/** The classes by donor, in an order of their own, as menus. */
export class DonorTable {
  readonly #classes: readonly DonorClass[]
  /** By id. */
  readonly #donors = new Map<string, Donor>()
  /** By position of the class. */
  readonly classMenus: Menu[] = []

  constructor({ classes, rooms }: DonorOffer) {
    this.#classes = classes
    for (const i of canonicalOrder(classes)) {
      const { donor: id } = classes[i]
      let donor = this.#donors.get(id)
      if (donor === undefined) {
        donor = { indices: [], room: rooms?.get(id) ?? Infinity, offered: 0, largest: 0 }
        this.#donors.set(id, donor)
      }
      const menu = menuOfClass(classes[i], i, donor.room)
      this.classMenus[i] = menu
      donor.indices.push(i)
      donor.offered += mostOf(menu)
      donor.largest = Math.max(donor.largest, mostOf(menu))
    }
  }

  /** Most bundles that all donors together can free within their rooms. */
  reach(): number {
    let sum = 0
    for (const donor of this.#donors.values()) {
      const { offered, room } = donor
      if (offered <= room) sum += offered
      else sum += mostWithin(this.#pointsOf(donor), room) ?? mostOf(this.#limitedMenu(donor, room).menu)
    }
    return sum
  }

  /**
   * What can be combined to free `target` bundles: one menu a class, but one for all classes together of a donor whose room could
   * be passed. What gives back all it need not take frees less than the target and its largest point together.
   */
  menus(target: number): { readonly menus: readonly Menu[]; readonly exact: boolean } {
    const menus: Menu[] = []
    let exact = true
    for (const donor of this.#donors.values()) {
      const most = target + donor.largest - 1
      if (donor.offered <= donor.room || most <= donor.room) {
        for (const i of donor.indices) menus.push(this.classMenus[i])
        continue
      }
      const limited = this.#limitedMenu(donor, Math.min(donor.room, most))
      menus.push(limited.menu)
      exact &&= limited.exact
    }
    return { menus, exact }
  }

  #pointsOf({ indices, room }: Donor): readonly Menu[] {
    return indices.map((i) => pointsOfClass(this.#classes[i], i, room))
  }

  #limitedMenu(donor: Donor, room: number): LimitedMenu {
    return menuOfLimitedDonor({ classes: this.#pointsOf(donor), room })
  }
}
