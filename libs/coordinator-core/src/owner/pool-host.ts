import type { DeviceCommand, EngineMessage, PoolOrders, PoolWord } from '@kvasir/contracts'
import type { Epoch, Micros } from '@kvasir/kernel'
import { recordOf } from '../decision-log/decision-record.js'
import { type PoolEffect, type PoolInput, PoolMachine } from '../pool-machine.js'
import type { PoolOptions } from '../pool-options.js'
import { type PoolState, poolStateIn } from '../pool-state.js'
import type { PeerText } from '../store/store.js'
import type { Hosted, HostedInput, HostedOutput, Takeover } from './hosted.js'
import { PoolViews } from './pool-views.js'

export interface PoolHostOptions {
  /** As the pool was set up. Operators' orders come before it. */
  readonly pool: Omit<PoolOptions, 'epoch'>
  /** Reads what an engine said; undefined when it is not a message, which then changes nothing. */
  decode(text: string): EngineMessage | undefined
  /** Reads what the cluster's owner said; undefined when it is not its word. */
  decodeWord(text: string): PoolWord | undefined
}

/** Under this name lies what a pool tells whoever reads; no engine is called so. */
export const VIEW_PEER = '#view'

/** How long what is kept of an engine outlives it, so that it can read how it ended. */
const KEPT_US: Micros = 600_000_000
/** Rounds of two owners keep apart: numbers stay readable, and never repeat. */
const ROUNDS_APART = 1_000

/** A pool's owner as an actor of the store: letters and heartbeats in, documents and decisions out. */
export class PoolHost implements Hosted {
  readonly machine: PoolMachine
  readonly #options: PoolHostOptions
  readonly #orders: PoolOrders
  readonly #views: PoolViews
  /** Orders that another machine is needed for: the next owner makes it. */
  #newOrders: PoolOrders | undefined
  /** By engine, what was read last: a heartbeat is looked at once. */
  readonly #heartbeats = new Map<string, string>()
  /** Engines that are members no more, by when what is kept of them may go. */
  readonly #leaving = new Map<string, Micros>()
  readonly #epoch: Epoch
  /** The highest that an engine says it has been told of. */
  #highestEpoch: Epoch
  /** What taking over brought, until the first step says it. */
  #arrears: readonly PoolEffect[]

  constructor(now: Micros, takeover: Takeover, options: PoolHostOptions) {
    this.#options = options
    const { epoch, device } = takeover
    this.#epoch = epoch
    this.#highestEpoch = epoch
    const state = takeover.state === null ? null : (poolStateIn(takeover.state) ?? null)
    const after = state === null ? 0 : (Math.floor(state.round / ROUNDS_APART) + 1) * ROUNDS_APART
    this.#orders = state?.orders ?? ordersAtFirst(options.pool)
    const pool: PoolOptions = { ...underOrders(options.pool, this.#orders), epoch }
    this.machine = new PoolMachine(pool, after)
    this.#views = new PoolViews(pool)
    this.#arrears = this.machine.takeOver(now, state, device === 'none' ? 'silent' : device)
  }

  nextDeadline(): Micros | undefined {
    return this.#arrears.length > 0 ? 0 : this.machine.nextDeadline()
  }

  pack(): string {
    const state: PoolState = { ...this.machine.pack(), orders: this.#newOrders ?? this.#orders }
    return JSON.stringify(state)
  }

  step(now: Micros, input: HostedInput): HostedOutput {
    const effects = [...this.#arrears]
    this.#arrears = []
    const heard = this.#inputOf(input)
    if (heard) effects.push(...this.machine.step(now, heard))
    return this.#outputOf(now, effects, input.kind)
  }

  #inputOf(input: HostedInput): PoolInput | undefined {
    if (input.kind === 'wake') return input
    if (input.kind === 'word') return this.#word(input.text)
    const { peer, text } = input
    if (input.kind === 'heartbeat') {
      if (this.#heartbeats.get(peer) === text) return undefined
      this.#heartbeats.set(peer, text)
    }
    const message = this.#options.decode(text)
    // Each writes in its own place only: nobody speaks for another.
    if (message?.engine !== peer) return undefined
    if ((message.kind === 'heartbeat') !== (input.kind === 'heartbeat')) return undefined
    if (message.kind === 'heartbeat') this.#highestEpoch = Math.max(this.#highestEpoch, message.epoch)
    return { kind: 'message', message }
  }

  #word(text: string): PoolInput | undefined {
    const word = this.#options.decodeWord(text)
    if (!word) return undefined
    if (word.orders.revision > (this.#newOrders ?? this.#orders).revision) this.#newOrders = word.orders
    return { kind: 'shares', document: word.shares }
  }

  #outputOf(now: Micros, effects: readonly PoolEffect[], heard: HostedInput['kind']): HostedOutput {
    const documents: PeerText[] = []
    const log: string[] = []
    const device: DeviceCommand[] = []
    let report: string | undefined
    for (const effect of effects) {
      if (effect.kind === 'document') {
        const { document } = effect
        documents.push({ peer: document.engine, text: JSON.stringify(document) })
        if (document.member) this.#leaving.delete(document.engine)
        else this.#leaving.set(document.engine, now + KEPT_US)
      } else if (effect.kind === 'log') {
        log.push(JSON.stringify(recordOf(effect.origin, effect.decision)))
      } else if (effect.kind === 'evict') {
        device.push({ kind: 'close', engine: effect.engine, incarnation: effect.incarnation })
        this.#leaving.set(effect.engine, now + KEPT_US)
      } else if (effect.kind === 'report') report = JSON.stringify(effect.report)
      else if (effect.kind === 'round') this.#views.note(effect.record)
    }
    const retired = this.#retire(now)
    const changed =
      heard === 'letter' || heard === 'word' || documents.length > 0 || log.length > 0 || retired.length > 0
    const view = this.#views.due(now, this.machine)
    if (view) documents.push({ peer: VIEW_PEER, text: JSON.stringify(view) })
    return {
      documents,
      log,
      device,
      retired,
      changed,
      ...(report === undefined ? {} : { report }),
      ...(this.#newOrders === undefined ? {} : { resigns: true }),
      ...(this.#highestEpoch > this.#epoch ? { higherEpoch: this.#highestEpoch } : {}),
    }
  }

  #retire(now: Micros): readonly string[] {
    const retired = [...this.#leaving].filter(([, untilUs]) => now >= untilUs).map(([engine]) => engine)
    for (const engine of retired) {
      this.#leaving.delete(engine)
      this.#heartbeats.delete(engine)
    }
    return retired
  }
}

/** What a pool was set up with, as the revision before the first. */
export function ordersAtFirst({ policy, settings }: Pick<PoolOptions, 'policy' | 'settings'>): PoolOrders {
  return { revision: 0, policy, observeOnly: settings.observeOnly }
}

function underOrders(
  pool: Omit<PoolOptions, 'epoch'>,
  { policy, observeOnly }: PoolOrders,
): Omit<PoolOptions, 'epoch'> {
  return { ...pool, policy, settings: { ...pool.settings, observeOnly } }
}
