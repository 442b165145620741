import type { ServerResponse } from 'node:http'
import type { GatewayEngine } from '@kvasir/contracts'
import { type DispatchPolicyName, Dispatcher, type Replica, type Routable } from '@kvasir/dispatch'

/** A URL in parts, read once. */
export interface EngineAddress {
  /** As a header says it. */
  readonly host: string
  readonly hostname: string
  readonly port: string
  /** What stands before the path of a request; most often nothing. */
  readonly base: string
}

/** An engine that a request was sent to, and is counted at until `release`. */
export interface Chosen {
  readonly engine: GatewayEngine
  /** Where it is, as requests are told. */
  readonly address: EngineAddress
  release(): void
}

/** An engine as the gateway sees it at present. */
export interface ReplicaState extends GatewayEngine {
  readonly ready: boolean
  readonly outstanding: number
}

/** What is kept of a model: who takes its requests, and who waits for somebody to. */
interface Served {
  readonly dispatcher: Dispatcher
  readonly waiting: Set<() => void>
}

interface Known {
  readonly engine: GatewayEngine
  readonly address: EngineAddress
  ready: boolean
  /** Requests under way there. */
  outstanding: number
}

/** The engines of all models, which of them take requests at present, and how much each has to do. */
export class Replicas {
  readonly #dispatch: DispatchPolicyName
  /** By engine. */
  readonly #engines = new Map<string, Known>()
  /** By model: also those of which no engine is left. */
  readonly #models = new Map<string, Served>()

  constructor(engines: readonly GatewayEngine[], dispatch: DispatchPolicyName) {
    this.#dispatch = dispatch
    for (const engine of engines) this.add(engine)
  }

  get models(): readonly string[] {
    return [...this.#models.keys()]
  }

  knows(model: string): boolean {
    return this.#models.has(model)
  }

  get engines(): readonly ReplicaState[] {
    return [...this.#engines.values()].map(({ engine, ready, outstanding }) => ({
      ...engine,
      ready,
      outstanding,
    }))
  }

  /** An engine is there, or is reached elsewhere than before: it takes requests once it is marked so. */
  add(engine: GatewayEngine): void {
    const known = this.#engines.get(engine.engine)?.engine
    if (known?.url === engine.url && known.model === engine.model) return
    if (known) this.remove(known.engine)
    this.#engines.set(engine.engine, { engine, address: addressOf(engine), ready: false, outstanding: 0 })
    this.learn(engine.model)
  }

  /** An engine is there no more. What was sent to it goes on there. */
  remove(name: string): void {
    const known = this.#engines.get(name)
    if (!known) return
    this.mark(known.engine, false)
    this.#engines.delete(name)
  }

  /** A model that may be asked for, whether or not there is an engine of it. */
  learn(model: string): void {
    if (this.#models.has(model)) return
    this.#models.set(model, { dispatcher: new Dispatcher(this.#dispatch), waiting: new Set() })
  }

  /** A model that may not be asked for any more. */
  forget(model: string): void {
    const { waiting } = this.#models.get(model) ?? {}
    this.#models.delete(model)
    for (const wake of waiting ?? []) wake()
  }

  /** Whether `engine` takes requests. One that does not keeps those it has. */
  mark(engine: GatewayEngine, ready: boolean): void {
    const known = this.#engines.get(engine.engine)
    if (known?.engine.url !== engine.url || known.ready === ready) return
    known.ready = ready
    const served = this.#models.get(engine.model)
    if (!ready) return served?.dispatcher.remove(engine.engine)
    served?.dispatcher.add(engine.engine)
    for (const wake of served?.waiting ?? []) wake()
  }

  /** An engine of `model`; undefined when none takes requests. */
  choose(model: string, request: Routable): Chosen | undefined {
    const dispatcher = this.#models.get(model)?.dispatcher
    const replica = dispatcher?.choose(request)
    const known = replica && this.#engines.get(replica.engine)
    if (!dispatcher || !replica || !known) return undefined
    return counted(dispatcher, replica, known)
  }

  /** As `choose`, but waits up to `withinMs` for one to come back, or until the client has gone. */
  async await(
    model: string,
    request: Routable,
    withinMs: number,
    client: ServerResponse,
  ): Promise<Chosen | undefined> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const chosen = this.choose(model, request)
      const leftMs = deadline - performance.now()
      if (chosen || leftMs <= 0 || client.destroyed || !this.#models.has(model)) return chosen
      await this.#change(model, leftMs, client)
    }
  }

  #change(model: string, withinMs: number, client: ServerResponse): Promise<void> {
    const waiting = this.#models.get(model)?.waiting
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        waiting?.delete(wake)
        client.off('close', wake)
        resolve()
      }
      const timer = setTimeout(wake, withinMs)
      waiting?.add(wake)
      client.once('close', wake)
    })
  }
}

function addressOf({ url }: GatewayEngine): EngineAddress {
  const { host, hostname, port, pathname } = new URL(url)
  // An IPv6 address has brackets in a URL only.
  return { host, hostname: hostname.replace(/^\[|\]$/g, ''), port, base: pathname.replace(/\/$/, '') }
}

function counted(dispatcher: Dispatcher, replica: Replica, known: Known): Chosen {
  known.outstanding++
  return {
    engine: known.engine,
    address: known.address,
    release: () => {
      dispatcher.ended(replica)
      known.outstanding--
    },
  }
}
