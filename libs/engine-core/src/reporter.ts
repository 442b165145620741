import { type Growth, type Heartbeat, IDLE_HEARTBEATS, isIdle, type SupplyPoint } from '@kvasir/contracts'
import type { Bundles, Micros, Tokens } from '@kvasir/kernel'
import type { EngineParts } from './engine-parts.js'
import type { OwnerLink } from './owner-link.js'
import type { RateMeter } from './rate-meter.js'
import type { Urgency } from './urgency.js'

/** Heartbeats for which a supply curve serves. */
const SUPPLY_HEARTBEATS = 3

/** Growth of demand that is reported at once. */
const SURGE = 1.25

export interface MemoryReport {
  /** Bundles the engine may touch, see `EngineMachine`. */
  readonly held: Bundles
  /** Of these, given up and mapped still. */
  readonly leaving: Bundles
  readonly growth: Growth
}

/** Tells the owner of the pool, by heartbeats, all it needs to know of the engine: each time in full, at the latest when one is due. */
export class Reporter {
  readonly #parts: EngineParts
  readonly #rate: RateMeter
  readonly #link: OwnerLink
  readonly #urgency: Urgency | undefined
  #nextUs: Micros = Infinity
  #reportedUs: Micros = -Infinity
  #idleReported = false
  #heldReported: Bundles = 0
  #demandReported: Tokens = 0
  #curve: readonly SupplyPoint[] = []
  #curveAgesUs: Micros = 0

  constructor(parts: EngineParts, rate: RateMeter, link: OwnerLink) {
    this.#parts = parts
    this.#rate = rate
    this.#link = link
    this.#urgency = parts.urgency
  }

  /** When the next heartbeat is due; Infinity before {@link start}. While nothing happens it need not come as often. */
  get nextUs(): Micros {
    return this.#rests()
      ? this.#nextUs + (IDLE_HEARTBEATS - 1) * this.#parts.options.heartbeatUs
      : this.#nextUs
  }

  /**
   * Whether all is as it was told: without work, and with no message that may have been lost. Hot path, and therefore no getter: a
   * private one is a call into the runtime.
   */
  #rests(): boolean {
    if (!this.#idleReported) return false
    const { scheduler, pool } = this.#parts
    return scheduler.unfinishedCount === 0 && pool.bundlesInUse === 0 && this.#link.settled
  }

  /** As the owner was last told. */
  get heldReported(): Bundles {
    return this.#heldReported
  }

  /** The first heartbeat is due now. */
  start(now: Micros): void {
    this.#nextUs = now
  }

  /**
   * Whether demand has grown so much that it should not wait for the next heartbeat: the owner divides anew as soon as it hears of
   * it. Not more often than twice a round, and not to an owner that has nobody to divide among.
   */
  surges(now: Micros): boolean {
    const { options, lease } = this.#parts
    if (now < this.#reportedUs + options.roundUs / 2) return false
    return lease.document?.sharesPool === true && this.#demandTokens() > SURGE * this.#demandReported
  }

  report(now: Micros, { held, leaving, growth }: MemoryReport): void {
    const { options, scheduler, pool, lease } = this.#parts
    const { engine, incarnation, heartbeatUs } = options
    this.#reportedUs = now
    this.#heldReported = held
    this.#demandReported = this.#demandTokens()
    const { internal, bundle, pool: idle } = scheduler.fragmentation()
    const inBundles = (blocks: number) => Math.ceil(blocks / pool.blocksPerBundle)
    const heartbeat: Heartbeat = {
      kind: 'heartbeat',
      engine,
      incarnation,
      beat: lease.nextBeat(now),
      model: options.model,
      processedThrough: lease.document?.processedThrough ?? 0,
      epoch: lease.epoch,
      sequence: lease.sequence,
      held,
      inUse: Math.max(pool.bundlesInUse, inBundles(scheduler.committedBlocks())) + leaving,
      demand: {
        tokens: this.#demandReported,
        bundles: inBundles(scheduler.demandBlocks()),
        tokensPerSecond: this.#rate.tokensPerSecond,
      },
      fragmentation: { internal, bundle, pool: idle },
      spentTokens: this.#rate.spentTokens,
      growth,
      lowestPriority: scheduler.runningCount > 0 ? scheduler.lowestRunningPriority() : null,
      supply: this.#supply(now),
    }
    this.#nextUs = now + heartbeatUs
    this.#idleReported = isIdle(heartbeat)
    this.#link.heartbeat(heartbeat)
  }

  #demandTokens(): Tokens {
    const { options, scheduler } = this.#parts
    return this.#rate.demandTokens(
      scheduler.runningDecodes,
      scheduler.outstandingPrefillTokens,
      options.roundUs,
      this.#urgency?.paceUs,
    )
  }

  /** The curve of late: what it says changes slowly, and making it costs more than all the rest of a heartbeat. */
  #supply(now: Micros): readonly SupplyPoint[] {
    const { options, scheduler, lease } = this.#parts
    if (!lease.document?.supplyWanted) return []
    if (now >= this.#curveAgesUs) {
      this.#curve = scheduler.supplyCurve(now)
      this.#curveAgesUs = now + SUPPLY_HEARTBEATS * options.heartbeatUs
    }
    return this.#curve
  }
}
