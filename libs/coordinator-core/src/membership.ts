import { type Heartbeat, IDLE_HEARTBEATS, isIdle, type Join } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import type { Broker } from './broker.js'
import { certainExpiryUs, type Liveness, livenessOf } from './liveness.js'
import type { Member } from './member.js'
import { mustDo } from './debits.js'
import type { MemoryRegime } from './memory-regime.js'
import { guaranteeBundles } from './memory-round.js'
import type { HeldBundles } from './owner/hosted.js'
import type { PoolOptions } from './pool-options.js'
import type { MemberState } from './pool-state.js'
import { CLOSING_US, Quarantine } from './quarantine.js'
import type { Departed, Registry } from './registry.js'
import type { RoundClock } from './round-clock.js'

/** How long an owner who was replaced may have gone on handing out leases (`OwnerTimings.actUs`). */
const LAST_OWNER_US: Micros = 2_000_000

export interface MembershipParts {
  readonly options: PoolOptions
  readonly regime: MemoryRegime
  readonly ledger: Ledger
  readonly clock: RoundClock
  readonly broker: Broker
  readonly registry: Registry
  /** The device shall take what the engine still has mapped. */
  evict(engine: string, incarnation: number): void
}

/** How engines become members, are judged while they are silent, and stop being members. */
export class Membership {
  readonly #parts: MembershipParts
  readonly #quarantine: Quarantine
  readonly #isMember = (run: { engine: string; incarnation: number }) =>
    this.#parts.registry.find(run.engine)?.incarnation === run.incarnation

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#quarantine = new Quarantine(parts.ledger)
  }

  join(now: Micros, message: Join): void {
    const { registry, clock } = this.#parts
    if (!registry.welcomes(message)) return
    const earlier = registry.find(message.engine)
    if (earlier) this.#dismiss(now, earlier, 'vanished')
    registry.add(now, message)
    // A join is a material change: the newcomer gets its first lease and budget now, not at the next round.
    clock.restart(now)
  }

  /** Takes in an engine that the last owner knew, or that was a member of a pool whose owner has forgotten it. */
  welcomeBack(now: Micros, known: MemberState, counted: boolean): void {
    const { registry, clock } = this.#parts
    const earlier = registry.find(known.engine)
    if (earlier && earlier.incarnation >= known.incarnation) return
    if (earlier) this.#dismiss(now, earlier, 'vanished')
    const member = registry.restore(now, known)
    if (!member) return
    member.counted = counted
    if (counted) this.claim(member, known.engine, Infinity)
    clock.restart(now)
  }

  /** What a member holds becomes its lease, out of the quarantined bundles under some name. */
  claim(member: Member, from: string, bundles: Bundles): void {
    const claimed = this.#quarantine.claim(from, bundles)
    if (claimed > 0) mustDo(this.#parts.ledger.grant(member.engine, claimed))
  }

  /**
   * Bundles that somebody may still use under the last owner's word, until no lease of his can be believed in.
   * @param held by whom; the run of the engine where the device has said it.
   */
  isolate(now: Micros, held: { engine: string; incarnation: number | undefined; bundles: Bundles }): void {
    const { ledger, options } = this.#parts
    const { engine, incarnation } = held
    const isolated = Math.min(held.bundles, ledger.free)
    if (isolated <= 0) return
    mustDo(ledger.grant(engine, isolated))
    const untilUs = now + certainExpiryUs(options.settings.leaseUs + LAST_OWNER_US)
    this.#quarantine.isolate({ engine, incarnation, untilUs, evicted: false })
  }

  /** The device has said who has bundles mapped, after all that it was told: what it took is free without waiting. */
  confirm(now: Micros, mapped: readonly HeldBundles[]): void {
    const { ledger, registry, evict } = this.#parts
    const { free } = ledger
    const vanished = this.#quarantine.confirm(mapped)
    // Who left gave everything back, and the device has not heard it: it could not be reached then.
    const left = mapped.filter(
      ({ engine, incarnation, bundles }) =>
        bundles > 0 &&
        registry.departed(engine)?.incarnation === incarnation &&
        vanished.every((run) => run.engine !== engine || run.incarnation !== incarnation),
    )
    for (const { engine, incarnation } of [...vanished, ...left]) evict(engine, incarnation)
    this.#noteFreed(now, free)
  }

  leave(now: Micros, member: Member): void {
    this.#dismiss(now, member, 'released')
  }

  heard(now: Micros, member: Member): void {
    this.#judge(now, member, 'live')
  }

  /** Judges everybody by the time since they were last heard of, and frees what nobody can believe to hold any more. */
  watch(now: Micros): void {
    const { registry, options, ledger } = this.#parts
    const { heartbeatUs, leaseUs } = options.settings
    for (const member of registry.members) {
      const beats = member.heartbeat && isIdle(member.heartbeat) ? IDLE_HEARTBEATS : 1
      this.#judge(now, member, livenessOf(now - member.heardUs, beats * heartbeatUs, leaseUs))
    }
    const { free } = ledger
    // Nobody came for what the device had as mapped when this owner began: it must have it no more than the ledger.
    for (const { engine, incarnation } of this.#quarantine.expire(now, this.#isMember))
      this.#parts.evict(engine, incarnation)
    this.#noteFreed(now, free)
  }

  #noteFreed(now: Micros, before: Bundles): void {
    const { ledger, clock } = this.#parts
    if (ledger.free === before) return
    clock.noteChange()
    clock.soon(now)
  }

  /**
   * Who wrote a heartbeat without being a member, if it was one. One that was replaced is told nothing: the place of its
   * document belongs to its successor, and there it reads of it.
   */
  formerMember({ engine, incarnation }: Heartbeat): Departed | undefined {
    const departed = this.#parts.registry.departed(engine)
    return departed?.incarnation === incarnation ? departed : undefined
  }

  #judge(now: Micros, member: Member, liveness: Liveness): void {
    const { clock, broker } = this.#parts
    const before = member.liveness
    if (liveness === before) return
    member.liveness = liveness
    clock.noteChange()
    if (liveness === 'gone') this.#dismiss(now, member, 'vanished')
    else if (liveness === 'silent') this.#takeSurplus(member)
    else if (before === 'silent') broker.endRecall(member)
  }

  /** Fixed shares stay whose they are; where shares follow demand, a silent engine keeps its guarantee alone. */
  #takeSurplus(member: Member): void {
    const { ledger, options, regime, broker } = this.#parts
    const surplus = ledger.leasedTo(member.engine) - guaranteeBundles(member, options.bundles)
    if (surplus > 0 && regime.donors === 'least-cost') broker.takeFromSilent(member, surplus)
  }

  /** Ends a membership. What it held is free if it said so itself, else quarantined until no lease can be believed in. */
  #dismiss(now: Micros, member: Member, how: 'released' | 'vanished'): void {
    const { broker, ledger, options, registry, clock } = this.#parts
    const { engine, incarnation } = member
    broker.depart(now, member, how)
    if (how === 'released') {
      ledger.leave(engine)
    } else {
      // Leases run from heartbeats, and none was sent after the last word that was heard.
      const expiryUs = member.heardUs + certainExpiryUs(options.settings.leaseUs)
      const untilUs = Math.max(expiryUs, now + CLOSING_US)
      this.#quarantine.isolate({ engine, incarnation, untilUs, evicted: true })
      this.#parts.evict(engine, incarnation)
    }
    registry.remove(member)
    clock.noteChange()
    clock.atOnce(now)
  }
}
