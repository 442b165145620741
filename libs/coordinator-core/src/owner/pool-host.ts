import {
  budgetNoteOf,
  type DeviceCommand,
  type EngineDocument,
  type EngineLetter,
  type Heartbeat,
  type PoolOrders,
  type PoolWord,
} from '@kvasir/contracts'
import type { Epoch, Micros } from '@kvasir/kernel'
import { recordOf } from '../decision-log/decision-record.js'
import { type PoolEffect, type PoolInput, PoolMachine } from '../pool-machine.js'
import type { PoolOptions } from '../pool-options.js'
import { type PoolState, poolStateIn } from '../pool-state.js'
import type { Hosted, HostedDocument, HostedInput, HostedOutput, Takeover } from './hosted.js'
import { PoolViews } from './pool-views.js'

export interface PoolHostOptions {
  /** As the pool was set up. Operators' orders come before it. */
  readonly pool: Omit<PoolOptions, 'epoch'>
}

/** What is said to a pool's owner: by its engines, and by the owner of the cluster. */
export interface PoolSpeech {
  readonly letter: EngineLetter
  readonly heartbeat: Heartbeat
  readonly word: PoolWord
}

/** Under this name lies what a pool tells whoever reads; no engine is called so. */
export const VIEW_PEER = '#view'

/** How long what is kept of an engine outlives it, so that it can read how it ended. */
const KEPT_US: Micros = 600_000_000
/** Rounds of two owners keep apart: numbers stay readable, and never repeat. */
const ROUNDS_APART = 1_000

/** A pool's owner as an actor of the store: letters and heartbeats in, documents and decisions out. */
export class PoolHost implements Hosted<PoolSpeech> {
  readonly machine: PoolMachine
  readonly #orders: PoolOrders
  readonly #views: PoolViews
  /** Orders that another machine is needed for: the next owner makes it. */
  #newOrders: PoolOrders | undefined
  /** Engines that are members no more, by when what is kept of them may go. */
  readonly #leaving = new Map<string, Micros>()
  /** By engine, the document that it was last told in full. */
  readonly #full = new Map<string, EngineDocument>()
  /** By engine, the floor in its newest document, and whether one has moved in this step. */
  readonly #floors = new Map<string, number>()
  #floorsMoved = false
  readonly #epoch: Epoch
  /** The highest that an engine says it has been told of. */
  #highestEpoch: Epoch
  /** What taking over brought, until the first step says it. */
  #arrears: readonly PoolEffect[]

  constructor(now: Micros, takeover: Takeover, options: PoolHostOptions) {
    const { epoch, device } = takeover
    this.#epoch = epoch
    this.#highestEpoch = epoch
    const state = takeover.state === null ? null : (poolStateIn(takeover.state) ?? null)
    this.#orders = state?.orders ?? ordersAtFirst(options.pool)
    const pool: PoolOptions = { ...underOrders(options.pool, this.#orders), epoch }
    this.machine = new PoolMachine(pool, roundsBefore(state))
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

  get quiet(): boolean {
    return this.machine.idle
  }

  step(now: Micros, input: HostedInput<PoolSpeech>, more = false): HostedOutput {
    const effects = [...this.#arrears]
    const { termsSet } = this.machine
    this.#arrears = []
    // What is not for the machine may be the last all the same.
    const heard = this.#inputOf(input) ?? { kind: 'wake' as const }
    effects.push(...this.machine.step(now, heard, more))
    const told = input.kind === 'letter' || this.machine.termsSet !== termsSet
    return this.#outputOf(now, effects, told)
  }

  #inputOf(input: HostedInput<PoolSpeech>): PoolInput | undefined {
    if (input.kind === 'wake' || input.kind === 'mapping') return input
    if (input.kind === 'word') return this.#word(input.word)
    const { peer, message } = input
    // Each writes in its own place only: nobody speaks for another.
    if (message.engine !== peer) return undefined
    if (message.kind === 'heartbeat') this.#highestEpoch = Math.max(this.#highestEpoch, message.epoch)
    return { kind: 'message', message }
  }

  #word(word: PoolWord): PoolInput {
    if (word.orders.revision > (this.#newOrders ?? this.#orders).revision) this.#newOrders = word.orders
    return { kind: 'shares', document: word.shares }
  }

  #outputOf(now: Micros, effects: readonly PoolEffect[], told: boolean): HostedOutput {
    const documents: HostedDocument[] = []
    const log: string[] = []
    const device: DeviceCommand[] = []
    let report: string | undefined
    let decides = false
    for (const effect of effects) {
      if (effect.kind === 'document') {
        const { document } = effect
        documents.push(this.#hosted(document))
        if (document.member) this.#leaving.delete(document.engine)
        else this.#leaving.set(document.engine, now + KEPT_US)
      } else if (effect.kind === 'log') {
        decides ||= effect.decision.kind !== 'round'
        log.push(JSON.stringify(recordOf(effect.origin, effect.decision)))
      } else if (effect.kind === 'evict') {
        device.push({ kind: 'close', engine: effect.engine, incarnation: effect.incarnation })
        this.#leaving.set(effect.engine, now + KEPT_US)
      } else if (effect.kind === 'report') report = JSON.stringify(effect.report)
      else if (effect.kind === 'round') this.#views.note(effect.record)
    }
    const retired = this.#retire(now)
    const tellsMore = documents.some(({ budget }) => !budget) || decides || this.#floorsMoved
    const changed = told || tellsMore || retired.length > 0 || this.#newOrders !== undefined
    const drifted = documents.length > 0 || log.length > 0
    this.#floorsMoved = false
    const view = this.#views.due(now, this.machine, documents.length > 0)
    if (view) documents.push({ peer: VIEW_PEER, body: view })
    return {
      documents,
      log,
      device,
      retired,
      changed,
      ...(drifted ? { drifted } : {}),
      ...(report === undefined ? {} : { report }),
      ...(this.#newOrders === undefined ? {} : { resigns: true }),
      ...(this.#highestEpoch > this.#epoch ? { higherEpoch: this.#highestEpoch } : {}),
    }
  }

  /** Most documents are news of a budget alone: it travels beside the one before. */
  #hosted(document: EngineDocument): HostedDocument {
    const { engine } = document
    const full = this.#full.get(engine)
    const budget = full && budgetNoteOf(full, document)
    if (!budget) this.#full.set(engine, document)
    // What an engine that hears nothing may spend: the next owner counts on it.
    if (this.#floors.get(engine) !== document.budget.floor) this.#floorsMoved = true
    this.#floors.set(engine, document.budget.floor)
    return { peer: engine, body: document, ...(budget ? { budget } : {}) }
  }

  #retire(now: Micros): readonly string[] {
    const retired = [...this.#leaving].filter(([, untilUs]) => now >= untilUs).map(([engine]) => engine)
    for (const engine of retired) {
      this.#leaving.delete(engine)
      this.#full.delete(engine)
      this.#floors.delete(engine)
    }
    return retired
  }
}

/** The number that the rounds of a new owner come after. */
export function roundsBefore(state: PoolState | null): number {
  return state === null ? 0 : (Math.floor(state.round / ROUNDS_APART) + 1) * ROUNDS_APART
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
