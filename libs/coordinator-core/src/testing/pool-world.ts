import {
  type EngineDocument,
  type EngineMessage,
  type EngineTerms,
  engineTermsSchema,
  type Heartbeat,
  type PolicyName,
  type PoolSettingsInput,
  poolSettingsSchema,
  type PreemptionDecision,
  type PreemptionOutcome,
  type PreemptionRequest,
  type RoundRecord,
} from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import { type PoolEffect, type PoolInput, PoolMachine } from '../pool-machine.js'

export interface WorldOptions {
  readonly pool?: string
  /** Present: the pool reports to a cluster. */
  readonly clusterUnits?: number
  readonly bundles?: number
  readonly policy?: PolicyName
  readonly settings?: PoolSettingsInput
  /** By model; an engine serves the model of its own name unless told otherwise. */
  readonly terms?: Readonly<Record<string, Partial<EngineTerms>>>
}

interface Sender {
  incarnation: number
  number: number
  beat: number
}

export type Report = Partial<Omit<Heartbeat, 'demand'>> & Partial<Heartbeat['demand']>

const EPOCH = 1

/** A pool and what its engines were told: the other half of the protocol, played by a test, line by line. */
export class PoolWorld {
  readonly pool: PoolMachine
  now: Micros = 1_000_000
  /** Newest by engine, and all in their order. */
  readonly documents = new Map<string, EngineDocument>()
  readonly documentsSent: EngineDocument[] = []
  readonly decisions: PreemptionDecision[] = []
  readonly evicted: string[] = []
  rounds: RoundRecord[] = []
  /** Effects of the newest step. */
  effects: readonly PoolEffect[] = []
  /** Told every effect of every step. */
  observer: (effect: PoolEffect) => void = () => {}
  readonly #senders = new Map<string, Sender>()

  constructor(options: WorldOptions = {}) {
    const { pool = 'p', bundles = 100, policy = 'weighted-max-min', settings = {}, terms = {} } = options
    const { clusterUnits } = options
    this.pool = new PoolMachine({
      pool,
      ...(clusterUnits === undefined ? {} : { clusterUnits }),
      bundles,
      policy,
      settings: poolSettingsSchema.parse({ reserveShare: 0, ...settings }),
      terms: new Map(
        Object.entries({ a: {}, b: {}, c: {}, d: {}, ...terms }).map(([model, given]) => [
          model,
          engineTermsSchema.parse(given),
        ]),
      ),
      unitsPerToken: new Map(),
      nominalRate: new Map(),
      epoch: EPOCH,
    })
  }

  step(input: PoolInput): readonly PoolEffect[] {
    this.effects = this.pool.step(this.now, input)
    this.pool.ledger.audit()
    for (const effect of this.effects) {
      this.observer(effect)
      if (effect.kind === 'document') {
        this.documents.set(effect.document.engine, effect.document)
        this.documentsSent.push(effect.document)
      }
      if (effect.kind === 'decision') this.decisions.push(effect.decision)
      if (effect.kind === 'round') this.rounds.push(effect.record)
      if (effect.kind === 'evict') this.evicted.push(effect.engine)
    }
    return this.effects
  }

  send(message: EngineMessage): readonly PoolEffect[] {
    return this.step({ kind: 'message', message })
  }

  /** Lets time pass; the pool is woken as often as it wants to be. */
  pass(us: Micros): void {
    const until = this.now + us
    for (;;) {
      const next = this.pool.nextDeadline()
      if (next === undefined || next > until) break
      this.now = Math.max(this.now, next)
      this.step({ kind: 'wake' })
    }
    this.now = until
  }

  join(engine: string, { incarnation = 1, model = engine } = {}): void {
    const sender = { incarnation, number: 1, beat: 0 }
    this.#senders.set(engine, sender)
    this.send({ kind: 'join', engine, incarnation, number: 1, model })
  }

  /** A heartbeat in answer to the newest document; `demand` is by default what is in use. */
  beat(engine: string, report: Report = {}): readonly PoolEffect[] {
    return this.send(this.heartbeatOf(engine, report))
  }

  heartbeatOf(engine: string, report: Report = {}): Heartbeat {
    const sender = this.#sender(engine)
    const document = this.documents.get(engine)
    const { tokens = 0, bundles, tokensPerSecond = 10_000, ...rest } = report
    const inUse = rest.inUse ?? 0
    return {
      kind: 'heartbeat',
      engine,
      incarnation: sender.incarnation,
      beat: ++sender.beat,
      model: engine,
      processedThrough: document?.processedThrough ?? 0,
      epoch: EPOCH,
      sequence: document?.sequence ?? 0,
      held: document?.leaseBundles ?? 0,
      spentTokens: 0,
      lowestPriority: null,
      supply: [],
      ...rest,
      inUse,
      demand: { tokens, bundles: bundles ?? inUse, tokensPerSecond },
    }
  }

  request(engine: string, ask: Partial<PreemptionRequest> & { bundles: number }): readonly PoolEffect[] {
    return this.send(this.requestOf(engine, ask))
  }

  requestOf(engine: string, ask: Partial<PreemptionRequest> & { bundles: number }): PreemptionRequest {
    const sender = this.#sender(engine)
    const number = ++sender.number
    const { incarnation } = sender
    const id = `${engine}/${incarnation}/${number}`
    return {
      kind: 'request',
      engine,
      incarnation,
      number,
      id,
      minBundles: ask.bundles,
      priority: 0,
      class: 'auto',
      withinUs: 2_000_000,
      ...ask,
    }
  }

  cancel(engine: string, id: string): readonly PoolEffect[] {
    const { incarnation } = this.#sender(engine)
    return this.send({ kind: 'cancel', engine, incarnation, number: ++this.#sender(engine).number, id })
  }

  leave(engine: string): readonly PoolEffect[] {
    const { incarnation } = this.#sender(engine)
    return this.send({ kind: 'leave', engine, incarnation, number: ++this.#sender(engine).number })
  }

  document(engine: string): EngineDocument {
    const document = this.documents.get(engine)
    invariant(document !== undefined, () => `${engine} was never told anything`)
    return document
  }

  lease(engine: string): number {
    return this.document(engine).leaseBundles
  }

  outcomes(engine: string): readonly PreemptionOutcome[] {
    return this.document(engine).outcomes
  }

  #sender(engine: string): Sender {
    const sender = this.#senders.get(engine)
    invariant(sender !== undefined, () => `${engine} never joined`)
    return sender
  }
}
