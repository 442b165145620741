import type { Bundles, Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import { mustDo } from './debits.js'

/** Bundles of engines that vanished, until nobody can believe to hold them any more. */
export class Quarantine {
  readonly #ledger: Ledger
  #entries: { readonly engine: string; readonly bundles: Bundles; readonly untilUs: Micros }[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Isolates all that an engine holds or owes. One name may vanish twice before the first time is over. */
  isolate(engine: string, untilUs: Micros): void {
    const bundles = mustDo(this.#ledger.drop(engine))
    if (bundles > 0) this.#entries.push({ engine, bundles, untilUs })
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

  /** What has certainly run out is free. */
  expire(now: Micros): void {
    for (const { engine, bundles, untilUs } of this.#entries)
      if (now >= untilUs) mustDo(this.#ledger.expire(engine, bundles))
    this.#entries = this.#entries.filter(({ untilUs }) => now < untilUs)
  }
}
