import { costClass } from './cost-class.js'

/*
 * The two orders in which a supply book, and a release after it, stop sequences: lowest rank first, then lowest slot. Tried on the
 * states of simulated engines, the lesser of the two was never far above a greedy search over all that is held, and mostly below.
 */

/** A bundle is divided evenly among its holders, in so many parts. */
const PARTS = 2 ** 16

/** Parts of a bundle that each of its holders has, whole so that sums are the same in any order; 0 of one that nobody holds. */
export function partsEach(holders: number): number {
  return holders === 0 ? 0 : Math.max(1, Math.floor(PARTS / holders))
}

/**
 * How dear a sequence is for what it holds: the class of its cost per whole bundle, one that is shared taken for a part. Good where
 * many bundles are wanted.
 */
export function rankByShare(cost: number, parts: number): number {
  return costClass(Math.min(Number.MAX_SAFE_INTEGER, Math.floor((cost * PARTS) / parts)))
}

/** Bundle ids lie below this. */
const BUNDLES = 2 ** 31

/**
 * The cheapest bundle a sequence helps to empty, by the class of what all its holders cost together, then by id: holders of one
 * bundle stand side by side. Good where few bundles are wanted. Infinity takes its place where a sequence helps to empty none.
 */
export function rankByBundle(costClass: number, bundle: number): number {
  return costClass * BUNDLES + bundle
}

/** The bundle in such a rank. */
export function bundleOfRank(rank: number): number {
  return rank % BUNDLES
}
