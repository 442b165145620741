import type { GatewayEngine } from '@kvasir/contracts'
import { type DispatchPolicyName, Dispatcher, type Replica, type Routable } from '@kvasir/dispatch'

/** An engine that a request was sent to, and is counted at until `release`. */
export interface Chosen {
  readonly engine: GatewayEngine
  release(): void
}

/** An engine as the gateway sees it at present. */
export interface ReplicaState extends GatewayEngine {
  readonly ready: boolean
  readonly outstanding: number
}

/** The engines of all models, which of them take requests at present, and how much each has to do. */
export class Replicas {
  readonly #engines: readonly GatewayEngine[]
  readonly #models = new Map<string, Dispatcher>()
  readonly #ready = new Map<string, boolean>()
  /** Of engines that take requests: how many are under way there. */
  readonly #counts = new Map<string, number>()
  /** By model: who waits for an engine of it. */
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(engines: readonly GatewayEngine[], dispatch: DispatchPolicyName) {
    this.#engines = engines
    for (const { model } of engines) {
      this.#models.set(model, new Dispatcher(dispatch))
      this.#waiting.set(model, new Set())
    }
  }

  get models(): readonly string[] {
    return [...this.#models.keys()]
  }

  get engines(): readonly ReplicaState[] {
    return this.#engines.map((engine) => ({
      ...engine,
      ready: this.#ready.get(engine.engine) ?? false,
      outstanding: this.#counts.get(engine.engine) ?? 0,
    }))
  }

  /** Whether `engine` takes requests. One that does not keeps those it has. */
  mark(engine: GatewayEngine, ready: boolean): void {
    if ((this.#ready.get(engine.engine) ?? false) === ready) return
    this.#ready.set(engine.engine, ready)
    const dispatcher = this.#models.get(engine.model)
    if (!ready) return dispatcher?.remove(engine.engine)
    dispatcher?.add(engine.engine)
    for (const wake of this.#waiting.get(engine.model) ?? []) wake()
  }

  /** An engine of `model`, which must be known; undefined when none takes requests. */
  choose(model: string, request: Routable): Chosen | undefined {
    const dispatcher = this.#models.get(model)
    const replica = dispatcher?.choose(request)
    const engine = this.#engines.find((candidate) => candidate.engine === replica?.engine)
    if (!dispatcher || !replica || !engine) return undefined
    return this.#counted(dispatcher, replica, engine)
  }

  /** As `choose`, but waits up to `withinMs` for one to come back, or until `signal`. */
  async await(
    model: string,
    request: Routable,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<Chosen | undefined> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const chosen = this.choose(model, request)
      const leftMs = deadline - performance.now()
      if (chosen || leftMs <= 0 || signal.aborted) return chosen
      await this.#change(model, leftMs, signal)
    }
  }

  #counted(dispatcher: Dispatcher, replica: Replica, engine: GatewayEngine): Chosen {
    const { engine: name } = engine
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    return {
      engine,
      release: () => {
        dispatcher.ended(replica)
        this.#counts.set(name, (this.#counts.get(name) ?? 1) - 1)
      },
    }
  }

  #change(model: string, withinMs: number, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(model)
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        waiting?.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, withinMs)
      waiting?.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}
