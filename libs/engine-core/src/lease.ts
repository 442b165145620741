import { BUDGET_HOLD_ROUNDS, type Budget, type EngineDocument, effectiveBudget } from '@kvasir/contracts'
import { type Bundles, invariant, type Micros } from '@kvasir/kernel'

/** Heartbeats whose time of sending is remembered; an answer to an older one extends nothing. */
const BEATS_REMEMBERED = 64

const nothing: Budget = { round: 0, tokens: 0, lentTokens: 0, floor: 0 }

/**
 * An engine's right to bundles and tokens as its newest document states it. The right runs from the moment the engine
 * *sent* the heartbeat that the document answers, on the engine's own clock: no clocks are compared.
 */
export class Lease {
  readonly #leaseUs: Micros
  #sentAt = new Float64Array(BEATS_REMEMBERED).fill(-1)
  #beat = 0
  #basisUs: Micros = 0
  #document: EngineDocument | undefined

  constructor(leaseUs: Micros) {
    this.#leaseUs = leaseUs
  }

  get epoch(): number {
    return this.#document?.epoch ?? 0
  }

  get sequence(): number {
    return this.#document?.sequence ?? 0
  }

  get document(): EngineDocument | undefined {
    return this.#document
  }

  /** Of requests that do not say their own, as operators set it for the model. */
  get requestPriority(): number {
    return this.#document?.priority ?? 0
  }

  get limitBundles(): number {
    return this.#document?.limitBundles ?? 0
  }

  get expiresUs(): Micros {
    return this.#document ? this.#basisUs + this.#leaseUs : Infinity
  }

  /** Numbers the heartbeat about to be sent. */
  nextBeat(now: Micros): number {
    const beat = ++this.#beat
    this.#sentAt[beat % BEATS_REMEMBERED] = now
    return beat
  }

  /**
   * Takes a document unless it is older than what is known: a lower epoch, or the same epoch with no higher sequence.
   * An acknowledgement of a forgotten heartbeat extends nothing but may still change the rest. While a new owner counts, the lease is
   * what is mapped: the rest of an earlier one may have been given to others since, by an owner whom this engine never heard.
   * @param mapped bundles that the engine has at the device.
   */
  apply(document: EngineDocument, mapped: Bundles): boolean {
    const stale =
      document.epoch < this.epoch || (document.epoch === this.epoch && document.sequence <= this.sequence)
    if (stale) return false
    const known =
      document.ackBeat > this.#beat - BEATS_REMEMBERED &&
      document.ackBeat <= this.#beat &&
      document.ackBeat > 0
    if (document.census) {
      const leaseBundles = Math.min(this.#document?.leaseBundles ?? 0, mapped)
      this.#document = { ...document, leaseBundles }
      return true
    }
    if (known) this.#basisUs = Math.max(this.#basisUs, this.#sentAt[document.ackBeat % BEATS_REMEMBERED])
    this.#document = document
    return true
  }

  /** Bundles the engine may hold now: the guarantee alone once the lease is over. */
  bundles(now: Micros): number {
    const document = this.#document
    if (!document?.member) return 0
    return now < this.expiresUs
      ? document.leaseBundles
      : Math.min(document.leaseBundles, document.guaranteeBundles)
  }

  budget(now: Micros, roundUs: Micros): { readonly tokens: number; readonly lentTokens: number } {
    const document = this.#document
    if (!document?.member) return nothing
    const silent = Math.floor((now - this.#basisUs) / roundUs)
    if (silent < 0) refuseBasis(this.#basisUs, now)
    return silent <= BUDGET_HOLD_ROUNDS
      ? document.budget
      : effectiveBudget(document.budget, silent, now < this.expiresUs)
  }
}

/** Apart from `budget`, so that the hot path carries no closure. */
function refuseBasis(basisUs: Micros, now: Micros): never {
  invariant(false, () => `lease basis ${basisUs} us lies after ${now} us`)
}
