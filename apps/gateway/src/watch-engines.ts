import type { Agent } from 'node:http'
import type { GatewayEngine } from '@kvasir/contracts'
import { getText } from './get-text.js'
import type { Replicas } from './replicas.js'

/** How often an engine that took no requests is asked whether it does now, and how long it may take to say so, ms. */
const ASK_EVERY_MS = 500
/** One that took them is asked once in so many times: a request that finds it gone says so at once. */
const READY_EVERY = 10
const ANSWER_WITHIN_MS = 1_000

/** Keeps asking every engine. What a request finds out earlier is noted at once, see `lost`. */
export class EngineWatch {
  readonly #replicas: Replicas
  readonly #agent: Agent
  #timer: NodeJS.Timeout | undefined
  readonly #asking = new Set<string>()

  constructor(replicas: Replicas, agent: Agent) {
    this.#replicas = replicas
    this.#agent = agent
  }

  start(): void {
    this.askAll()
    let times = 0
    this.#timer = setInterval(() => this.#askAgain(++times % READY_EVERY === 0), ASK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A request found that `engine` does not answer: nothing is sent there until it says that it is ready. */
  lost(engine: GatewayEngine): void {
    this.#replicas.mark(engine, false)
    void this.ask(engine)
  }

  askAll(): void {
    for (const engine of this.#replicas.engines) void this.ask(engine)
  }

  #askAgain(readyOnes: boolean): void {
    for (const engine of this.#replicas.engines) if (readyOnes || !engine.ready) void this.ask(engine)
  }

  async ask(engine: GatewayEngine): Promise<void> {
    const { url } = engine
    if (this.#asking.has(url)) return
    this.#asking.add(url)
    const answer = await getText(`${url}/ready`, this.#agent, ANSWER_WITHIN_MS)
    this.#asking.delete(url)
    this.#replicas.mark(engine, answer?.status === 200)
  }
}
