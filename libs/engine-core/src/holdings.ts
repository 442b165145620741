import type { BlockCopies, ReclaimOrder } from '@kvasir/contracts'
import { type Bundles, invariant, type Micros } from '@kvasir/kernel'
import type { ReleaseOptions } from '@kvasir/scheduler'
import type { PreemptionCause } from './engine-effect.js'
import type { EngineParts } from './engine-parts.js'
import { FollowedOrders } from './followed-orders.js'
import { HostCopies } from './host-copies.js'
import { bundlesToMap } from './memory-need.js'

/** Free bundles an engine keeps for its next blocks where all share one free list (kvcached keeps 5 to 10 pages). */
const IDLE_BUNDLES_KEPT = 8

/** Share of the grace that copies to host memory may take: the rest is for what else is on the link and on its way. */
const COPY_SHARE_OF_GRACE = 0.5

/**
 * The memory an engine holds on its device: it grows before a step as far as the lease allows, and shrinks to the lease when that
 * becomes smaller or ends. Maps and unmaps in the block pool and on the device together, but that the device unmaps a bundle only
 * when nothing copies from it any more.
 */
export class Holdings {
  readonly #parts: EngineParts
  readonly #copies: HostCopies
  readonly #orders = new FollowedOrders()
  /** Bundles out of the block pool that the device still copies from. */
  #leaving: number[] = []
  /** A `map` is under way. */
  #mapping = false
  /** The device had fewer bundles free than were asked for: it is asked again after the next step at the earliest. */
  #exhausted = false
  #ceilingBundles: Bundles = -1
  #expiryUs: Micros = Infinity

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#copies = new HostCopies(parts)
  }

  /** Bundles given up that are still mapped. */
  get leavingBundles(): Bundles {
    return this.#leaving.length
  }

  /** Bundles mapped on the device. */
  get bundles(): Bundles {
    return this.#parts.pool.bundles + this.#leaving.length
  }

  /** When the lease ends, unless that has been acted upon. */
  get expiryUs(): Micros {
    return this.#expiryUs
  }

  // --- growing, before a step ---

  /** Whether the device has been asked for bundles and has not answered yet. */
  get mapping(): boolean {
    return this.#mapping
  }

  /** Asks the device for what the next step wants and the lease still allows; true when an answer is to be waited for. */
  grow(now: Micros): boolean {
    const { options, scheduler, pool, lease, outbox } = this.#parts
    if (this.#mapping) return true
    if (this.#exhausted) return false
    // Hot path: an engine that has mapped its whole lease need not know what it would want beyond.
    const room = lease.bundles(now) - this.bundles
    if (room <= 0) return false
    const bundles = Math.min(room, bundlesToMap(scheduler, pool))
    if (bundles <= 0) return false
    const { engine, incarnation } = options
    this.#mapping = true
    outbox.device({ kind: 'map', engine, incarnation, epoch: lease.epoch, bundles })
    return true
  }

  /** The device mapped these. The lease may have become smaller since they were asked for: what it forbids goes back unused. */
  mapped(now: Micros, bundles: readonly number[]): void {
    const { options, pool, lease } = this.#parts
    invariant(this.#mapping, () => `${options.engine} got ${bundles.length} bundles it did not ask for`)
    this.#mapping = false
    pool.mapBundles(bundles)
    this.giveBack(pool.bundles - lease.bundles(now))
  }

  /** The device mapped nothing; false when nothing was asked. */
  mapRefused(): boolean {
    if (!this.#mapping) return false
    this.#mapping = false
    this.#exhausted = true
    return true
  }

  /**
   * The device says, over another line than before, what this engine has mapped: what it has not here goes back, for nobody heard of it,
   * or of its return. False when the device lacks a bundle that is held here.
   */
  attached(mapped: readonly number[]): boolean {
    const { options, pool, outbox } = this.#parts
    this.#mapping = false
    const here = new Set([...pool.mappedIds(), ...this.#leaving])
    const extra = mapped.filter((bundle) => !here.has(bundle))
    if (mapped.length - extra.length < here.size) return false
    const { engine, incarnation } = options
    if (extra.length > 0) outbox.device({ kind: 'unmap', engine, incarnation, bundles: extra })
    return true
  }

  /** The turn is over: others may have given bundles back when the next one comes. */
  turnEnded(): void {
    this.#exhausted = false
  }

  // --- giving back ---

  /**
   * A document was applied. Gives back what it forbids, as {@link shrink} does, and ends with a reason what can't fit any more
   * where the limit is lower, instead of letting it wait for ever.
   */
  obey(now: Micros): void {
    const { lease } = this.#parts
    this.#expiryUs = lease.expiresUs > now ? lease.expiresUs : Infinity
    this.#endImpossible(lease.limitBundles)
    this.shrink(now)
  }

  /** The lease is over: everything above the guarantee goes. */
  expire(now: Micros): void {
    this.#expiryUs = Infinity
    this.shrink(now)
  }

  /**
   * Gives back what is held beyond the lease: wholly free bundles at once, those in use at a step boundary. Victims are
   * stopped only as far as an order allows it; once the lease is over, anything above the guarantee goes.
   */
  shrink(now: Micros): void {
    const { scheduler, pool, lease } = this.#parts
    const expired = now >= lease.expiresUs
    if (expired && !scheduler.inFlight) this.#abandonCopies()
    let excess = pool.bundles - lease.bundles(now)
    if (excess <= 0) return
    excess -= this.giveBack(excess)
    if (excess <= 0 || scheduler.inFlight) return
    if (expired) {
      // Nothing may be read there any more: no copies.
      this.#free(now, excess, { victimsBelow: Infinity, copyUsMax: 0, cause: { kind: 'lease_expired' } })
      return
    }
    for (const order of this.#orders.inTurn(lease.document?.reclaims ?? []))
      excess -= this.#follow(now, order, excess)
    // A victim may have held more than its order wanted.
    this.giveBack(excess)
  }

  /** Where all engines share one free list, an idle bundle may be just what another one lacks. A working engine keeps a few. */
  returnIdle(): void {
    const { options, scheduler, pool } = this.#parts
    if (!options.returnsIdle) return
    this.giveBack(pool.freeBundles - (scheduler.unfinishedCount > 0 ? IDLE_BUNDLES_KEPT : 0))
  }

  /** As {@link returnIdle}, by an engine that can run nothing: it keeps none. */
  returnAllIdle(): void {
    const { options, pool } = this.#parts
    if (options.returnsIdle) this.giveBack(pool.freeBundles)
  }

  /** Unmaps up to `count` wholly free bundles; says how many. */
  giveBack(count: Bundles): Bundles {
    const { options, pool, outbox } = this.#parts
    if (count <= 0 || pool.freeBundles === 0) return 0
    const given = pool.unmapFree(count)
    const bundles: number[] = []
    for (const bundle of given) (this.#copies.reads(bundle) ? this.#leaving : bundles).push(bundle)
    const { engine, incarnation } = options
    if (bundles.length > 0) outbox.device({ kind: 'unmap', engine, incarnation, bundles })
    return given.length
  }

  // --- copies to host memory ---

  /** A plan stopped sequences and has no step: their KV is copied out all the same. */
  copyOut(copies: BlockCopies, slots: readonly number[]): void {
    this.#copies.send(copies, slots)
  }

  stepBegan(copies: BlockCopies): void {
    this.#copies.stepBegan(copies)
  }

  /** The step was run or refused: it copies nothing any more. Answers whether bundles are unmapped for that. */
  stepEnded(): boolean {
    this.#copies.stepEnded()
    return this.#unmapLeft()
  }

  /** Word of the copies that were asked for before the step on the device is lost: they are done when it is. */
  copiesEndWithStep(): void {
    this.#copies.endWithStep()
  }

  copied(copy: number): void {
    this.#copies.done(copy)
    this.#unmapLeft()
  }

  /** The device does not know this engine any more: it makes none of the copies, nor the steps behind them. */
  copyRefused(): void {
    this.#abandonCopies()
  }

  #abandonCopies(): void {
    this.#copies.abandon()
    this.#unmapLeft()
  }

  /** Unmaps what has been copied. */
  #unmapLeft(): boolean {
    if (this.#leaving.length === 0) return false
    const { options, outbox } = this.#parts
    const { engine, incarnation } = options
    const bundles = this.#leaving.filter((bundle) => !this.#copies.reads(bundle))
    this.#leaving = this.#leaving.filter((bundle) => this.#copies.reads(bundle))
    if (bundles.length > 0) outbox.device({ kind: 'unmap', engine, incarnation, bundles })
    return bundles.length > 0
  }

  /** Gives back what an order wants of what is too much; says how much. */
  #follow(now: Micros, order: ReclaimOrder, excess: Bundles): Bundles {
    const wanted = Math.min(excess, this.#orders.leftOf(order))
    if (wanted <= 0) return 0
    const released = this.#free(now, wanted, {
      victimsBelow: order.victimsBelow ?? Infinity,
      copyUsMax: COPY_SHARE_OF_GRACE * this.#parts.options.graceUs,
      cause: { kind: 'reclaim', request: order.request },
    })
    this.#orders.note(order, released)
    return released
  }

  /** Stops sequences until `wanted` bundles are free, if those below the priority suffice, and gives these back. */
  #free(
    now: Micros,
    wanted: Bundles,
    release: ReleaseOptions & { readonly cause: PreemptionCause },
  ): Bundles {
    const { scheduler, outbox } = this.#parts
    const { victims, copies } = scheduler.releaseBundles(now, wanted, release)
    this.#copies.send(copies, victims)
    if (victims.length > 0) outbox.emit({ kind: 'preempted', slots: victims, cause: release.cause })
    return this.giveBack(wanted)
  }

  #endImpossible(limitBundles: Bundles): void {
    if (limitBundles === this.#ceilingBundles) return
    this.#ceilingBundles = limitBundles
    const { scheduler, pool, outbox } = this.#parts
    for (const slot of scheduler.setBlockCeiling(limitBundles * pool.blocksPerBundle)) {
      scheduler.abort(slot)
      outbox.emit({ kind: 'ended', slot, reason: 'exceeds_lease' })
    }
  }
}
