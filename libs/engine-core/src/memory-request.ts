import type { PreemptionOutcome } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { EngineOptions } from './engine-options.js'
import type { MemoryNeed } from './memory-need.js'
import type { OwnerLink } from './owner-link.js'

/**
 * The one request for memory an engine has open at a time.
 *
 * ```
 *   none ──open──► open ──granted──────────────► none
 *                    ├────denied, expired──────► none, and nothing is asked for during the back-off
 *                    └────silence, `cancel`────► none, likewise
 * ```
 */
export class MemoryRequest {
  readonly #options: EngineOptions
  readonly #link: OwnerLink
  #requests = 0
  #grantedBundles: Bundles = 0
  #open: string | undefined
  #openUntilUs: Micros = Infinity
  #notBeforeUs: Micros = 0

  constructor(options: EngineOptions, link: OwnerLink) {
    this.#options = options
    this.#link = link
  }

  /** When the open request is to be cancelled; Infinity when none is open. */
  get deadlineUs(): Micros {
    return this.#openUntilUs
  }

  /** What requests have brought so far. */
  get grantedBundles(): Bundles {
    return this.#grantedBundles
  }

  mayAsk(now: Micros): boolean {
    return this.#open === undefined && now >= this.#notBeforeUs
  }

  ask(now: Micros, need: MemoryNeed): void {
    const { engine, incarnation, requestWithinUs } = this.#options
    const id = `${engine}/${incarnation}/${++this.#requests}`
    this.#open = id
    this.#openUntilUs = now + 2 * requestWithinUs
    this.#link.request(id, need)
  }

  /** Whether this outcome ends the open request; documents repeat those of earlier ones. */
  settle(now: Micros, outcome: PreemptionOutcome): boolean {
    if (outcome.id !== this.#open) return false
    const granted = outcome.kind === 'granted' || outcome.kind === 'granted_partial'
    if (granted) this.#grantedBundles += outcome.bundles
    this.#close(granted ? now : now + this.#options.backoffUs)
    return true
  }

  /** Withdraws the open request under its own id: what became of it is never assumed. */
  cancel(now: Micros): void {
    const id = this.#open
    if (id === undefined) return
    this.#close(now + this.#options.backoffUs)
    this.#link.cancel(id)
  }

  #close(notBeforeUs: Micros): void {
    this.#open = undefined
    this.#openUntilUs = Infinity
    this.#notBeforeUs = notBeforeUs
  }
}
