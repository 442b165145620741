/** Freeing `bundles` bundles costs `cost`: estimated microseconds to bring the stopped work back. */
export interface SupplyOption {
  readonly bundles: number
  readonly cost: number
}

/**
 * Mutually exclusive ways in which one donor can free bundles of work of one priority: the points of a supply curve, or a single
 * point for a group that can be freed only whole. At most one point of a class is taken.
 */
export interface DonorClass {
  readonly donor: string
  readonly priority: number
  readonly points: readonly SupplyOption[]
}

/** The point taken of one class. */
export interface Pick {
  /** Position of the class in the input. */
  readonly classIndex: number
  readonly donor: string
  readonly priority: number
  readonly bundles: number
  readonly cost: number
}

export interface ChoiceInput {
  /** Bundles to free. */
  readonly needed: number
  /** Fewest bundles that are of any use; absent: all or nothing. */
  readonly min?: number
  readonly classes: readonly DonorClass[]
  /** Most bundles a donor may give up; absent or no entry: all it offers. */
  readonly rooms?: ReadonlyMap<string, number>
  /** Work (points x bundles) up to which the choice is exact; default {@link EXACT_CELLS_MAX}. */
  readonly exactCellsMax?: number
}

/** About 4 ms of work. */
export const EXACT_CELLS_MAX = 2_000_000

export type Choice =
  | {
      readonly kind: 'chosen'
      readonly picks: readonly Pick[]
      readonly cost: number
      /** At least what was needed (or, with `min`, all there is): groups that go whole free more. */
      readonly freed: number
      /** Whether no cheaper choice exists. */
      readonly exact: boolean
    }
  | {
      readonly kind: 'infeasible'
      /** Most bundles that could be freed. */
      readonly available: number
    }

export function sumOfBundles(picks: readonly SupplyOption[]): number {
  return picks.reduce((sum, pick) => sum + pick.bundles, 0)
}

export function sumOfCosts(picks: readonly SupplyOption[]): number {
  return picks.reduce((sum, pick) => sum + pick.cost, 0)
}
