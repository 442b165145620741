import type { Bundles, Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import { mustDo } from './debits.js'

/** For so long bundles stay isolated at least once the device was told to take them: until the word has reached it, somebody may use them still. */
export const CLOSING_US: Micros = 1_000_000

const nobody: readonly Run[] = []

/** One run of an engine. */
interface Run {
  readonly engine: string
  readonly incarnation: number
}

/** Some bundles, and why they are not free. */
interface Entry {
  readonly engine: string
  /** The run of the engine that held them; undefined where nobody knows whose they are. */
  readonly incarnation: number | undefined
  readonly bundles: Bundles
  readonly untilUs: Micros
  /** The device was told to take them: once it says that this run has none, they are free. */
  readonly evicted: boolean
}

/** Bundles of engines that vanished, until nobody can believe to hold them any more, or the device says that nobody does. */
export class Quarantine {
  readonly #ledger: Ledger
  #entries: readonly Entry[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Isolates all that an engine holds or owes. One name may vanish twice before the first time is over. */
  isolate(entry: Omit<Entry, 'bundles'>): void {
    const bundles = mustDo(this.#ledger.drop(entry.engine))
    if (bundles > 0) this.#entries = [...this.#entries, { ...entry, bundles }]
  }

  /** Somebody has shown that up to so many bundles of an entry are his: they are free to be leased to him. Answers how many. */
  claim(engine: string, bundles: Bundles): Bundles {
    const claimed = Math.min(bundles, this.#ledger.quarantinedOf(engine))
    if (claimed <= 0) return 0
    mustDo(this.#ledger.expire(engine, claimed))
    let left = claimed
    this.#entries = this.#entries.flatMap((entry) => {
      if (entry.engine !== engine || left === 0) return [entry]
      const taken = Math.min(left, entry.bundles)
      left -= taken
      return taken < entry.bundles ? [{ ...entry, bundles: entry.bundles - taken }] : []
    })
    return claimed
  }

  /**
   * What has certainly run out is free, if the device was told to take it, and the word had its time; at once where nobody knows whose it is, or the
   * run is a member again, from whom nothing is to be taken. Answers the runs of which the device is to be told now.
   */
  expire(now: Micros, isMember: (run: Run) => boolean): readonly Run[] {
    if (this.#entries.length === 0) return nobody
    const toTell = ({ engine, incarnation, evicted }: Entry): Run | undefined =>
      evicted || incarnation === undefined || isMember({ engine, incarnation })
        ? undefined
        : { engine, incarnation }
    this.#free((entry) => now >= entry.untilUs && toTell(entry) === undefined)
    const told: Run[] = []
    this.#entries = this.#entries.map((entry) => {
      const run = now >= entry.untilUs ? toTell(entry) : undefined
      if (run === undefined) return entry
      told.push(run)
      return { ...entry, evicted: true, untilUs: now + CLOSING_US }
    })
    return told
  }

  /**
   * The device says who has bundles mapped: of those it was to take them from, whoever has none can never touch one again. Answers those
   * that have some still: it did not hear of it.
   */
  confirm(mapped: readonly Run[]): readonly Run[] {
    const has = ({ engine, incarnation }: Entry) =>
      mapped.some((run) => run.engine === engine && run.incarnation === incarnation)
    this.#free((entry) => entry.evicted && !has(entry))
    return this.#entries.flatMap(({ engine, incarnation, evicted }) =>
      evicted && incarnation !== undefined ? [{ engine, incarnation }] : [],
    )
  }

  #free(isOver: (entry: Entry) => boolean): void {
    const over = this.#entries.filter(isOver)
    if (over.length === 0) return
    for (const { engine, bundles } of over) mustDo(this.#ledger.expire(engine, bundles))
    this.#entries = this.#entries.filter((entry) => !over.includes(entry))
  }
}
