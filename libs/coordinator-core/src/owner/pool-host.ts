import type { DeviceCommand, EngineMessage } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { recordOf } from '../decision-log/decision-record.js'
import { type PoolEffect, type PoolInput, PoolMachine } from '../pool-machine.js'
import type { PoolOptions } from '../pool-options.js'
import type { PoolState } from '../pool-state.js'
import type { PeerText } from '../store/store.js'
import type { Hosted, HostedInput, HostedOutput, Takeover } from './hosted.js'

export interface PoolHostOptions {
  readonly pool: Omit<PoolOptions, 'epoch'>
  /** Reads what an engine said; undefined when it is not a message, which then changes nothing. */
  decode(text: string): EngineMessage | undefined
  /** Reads what an earlier owner packed; undefined when it cannot be read. */
  decodeState(text: string): PoolState | undefined
}

/** How long what is kept of an engine outlives it, so that it can read how it ended. */
const KEPT_US: Micros = 600_000_000
/** Rounds of two owners keep apart: numbers stay readable, and never repeat. */
const ROUNDS_APART = 1_000

/** A pool's owner as an actor of the store: letters and heartbeats in, documents and decisions out. */
export class PoolHost implements Hosted {
  readonly machine: PoolMachine
  readonly #options: PoolHostOptions
  /** By engine, what was read last: a heartbeat is looked at once. */
  readonly #heartbeats = new Map<string, string>()
  /** Engines that are members no more, by when what is kept of them may go. */
  readonly #leaving = new Map<string, Micros>()
  /** What taking over brought, until the first step says it. */
  #arrears: readonly PoolEffect[]

  constructor(now: Micros, takeover: Takeover, options: PoolHostOptions) {
    this.#options = options
    const { epoch, device } = takeover
    const state = takeover.state === null ? null : (options.decodeState(takeover.state) ?? null)
    const after = state === null ? 0 : (Math.floor(state.round / ROUNDS_APART) + 1) * ROUNDS_APART
    this.machine = new PoolMachine({ ...options.pool, epoch }, after)
    this.#arrears = this.machine.takeOver(now, state, device === 'none' ? 'silent' : device)
  }

  nextDeadline(): Micros | undefined {
    return this.#arrears.length > 0 ? 0 : this.machine.nextDeadline()
  }

  pack(): string {
    return JSON.stringify(this.machine.pack())
  }

  step(now: Micros, input: HostedInput): HostedOutput {
    const effects = [...this.#arrears]
    this.#arrears = []
    const heard = this.#inputOf(input)
    if (heard) effects.push(...this.machine.step(now, heard))
    return this.#outputOf(now, effects, input.kind === 'letter')
  }

  #inputOf(input: HostedInput): PoolInput | undefined {
    if (input.kind === 'wake') return input
    const { peer, text } = input
    if (input.kind === 'heartbeat') {
      if (this.#heartbeats.get(peer) === text) return undefined
      this.#heartbeats.set(peer, text)
    }
    const message = this.#options.decode(text)
    // Each writes in its own place only: nobody speaks for another.
    if (message?.engine !== peer) return undefined
    if ((message.kind === 'heartbeat') !== (input.kind === 'heartbeat')) return undefined
    return { kind: 'message', message }
  }

  #outputOf(now: Micros, effects: readonly PoolEffect[], read: boolean): HostedOutput {
    const documents: PeerText[] = []
    const log: string[] = []
    const device: DeviceCommand[] = []
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
      }
    }
    const retired = [...this.#leaving].filter(([, untilUs]) => now >= untilUs).map(([engine]) => engine)
    for (const engine of retired) {
      this.#leaving.delete(engine)
      this.#heartbeats.delete(engine)
    }
    return { documents, log, device, retired, changed: read || documents.length > 0 || log.length > 0 }
  }
}
