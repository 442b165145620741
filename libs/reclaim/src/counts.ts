import { compareIds, invariant } from '@kvasir/kernel'
import type { EngineBundles } from './ledger-data.js'

// Numbers of bundles by id.

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Entries of 0 are not kept. */
export function add(counts: Map<string, number>, id: string, bundles: number): void {
  invariant(isCount(bundles), () => `${bundles} is no number of bundles of ${id}`)
  if (bundles > 0) counts.set(id, (counts.get(id) ?? 0) + bundles)
}

export function subtract(counts: Map<string, number>, id: string, bundles: number): void {
  const left = (counts.get(id) ?? 0) - bundles
  invariant(isCount(bundles) && left >= 0, () => `${bundles} bundles taken from ${id} leave ${left}`)
  if (left === 0) counts.delete(id)
  else counts.set(id, left)
}

export function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const bundles of counts.values()) sum += bundles
  return sum
}

export function sorted(counts: ReadonlyMap<string, number>): readonly EngineBundles[] {
  return [...counts]
    .map(([engine, bundles]) => ({ engine, bundles }))
    .sort((a, b) => compareIds(a.engine, b.engine))
}
