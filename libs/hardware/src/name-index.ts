import { compareIds, invariant } from '@kvasir/kernel'

/** Something with a name and other spellings of it. */
export interface Named {
  readonly name: string
  readonly aliases: readonly string[]
}

/** A refused name: which ones come near, nearest first, and all that are known, sorted. */
export interface UnknownName {
  readonly name: string
  readonly near: readonly string[]
  readonly known: readonly string[]
}

const NEAR_NAMES = 3

/**
 * Finds catalogue entries by name or alias. Case, dashes, underscores, colons and spaces do not matter, and neither does
 * the organisation in front of a Hugging Face id.
 */
export class NameIndex<T extends Named> {
  readonly #entries: readonly T[]
  readonly #bySpelling = new Map<string, T>()

  constructor(entries: readonly T[]) {
    this.#entries = entries
    for (const entry of entries) {
      for (const spelling of [entry.name, ...entry.aliases]) this.#add(spelling, entry)
    }
  }

  #add(spelling: string, entry: T): void {
    const key = normalise(spelling)
    const holder = this.#bySpelling.get(key)
    invariant(
      holder === undefined || holder === entry,
      () => `${spelling} names ${holder?.name} and ${entry.name}`,
    )
    this.#bySpelling.set(key, entry)
  }

  find(name: string): T | undefined {
    return this.#bySpelling.get(normalise(name))
  }

  /** What to tell someone who asked for a name that `find` does not know. */
  refusal(name: string): UnknownName {
    const wanted = normalise(name)
    const ranked = this.#entries.map((entry) => ({
      name: entry.name,
      distance: this.#distance(wanted, entry),
    }))
    ranked.sort((a, b) => a.distance - b.distance || compareIds(a.name, b.name))
    return {
      name,
      near: ranked.slice(0, NEAR_NAMES).map((entry) => entry.name),
      known: this.#entries.map((entry) => entry.name).sort(compareIds),
    }
  }

  #distance(wanted: string, entry: T): number {
    return Math.min(
      ...[entry.name, ...entry.aliases].map((spelling) => editDistance(wanted, normalise(spelling))),
    )
  }
}

function normalise(name: string): string {
  return name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .replaceAll(/[-_:\s]+/g, '')
}

/** Levenshtein distance: insertions, deletions and replacements that turn one string into the other. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1))
    }
    row = next
  }
  return row[b.length]
}
