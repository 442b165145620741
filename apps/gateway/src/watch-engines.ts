import { type Agent, get } from 'node:http'
import type { GatewayEngine } from '@kvasir/contracts'
import type { Replicas } from './replicas.js'

/** How often each engine is asked whether it takes requests, and how long it may take to say so, ms. */
const ASK_EVERY_MS = 500
const ANSWER_WITHIN_MS = 1_000

/** Keeps asking every engine. What a request finds out earlier is noted at once, see `asks`. */
export class EngineWatch {
  readonly #replicas: Replicas
  readonly #agent: Agent
  readonly #timers: NodeJS.Timeout[] = []
  readonly #asking = new Set<string>()

  constructor(replicas: Replicas, agent: Agent) {
    this.#replicas = replicas
    this.#agent = agent
  }

  start(): void {
    for (const engine of this.#replicas.engines) {
      void this.ask(engine)
      this.#timers.push(setInterval(() => void this.ask(engine), ASK_EVERY_MS))
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** A request found that `engine` does not answer: nothing is sent there until it says that it is ready. */
  lost(engine: GatewayEngine): void {
    this.#replicas.mark(engine, false)
    void this.ask(engine)
  }

  async ask(engine: GatewayEngine): Promise<void> {
    if (this.#asking.has(engine.engine)) return
    this.#asking.add(engine.engine)
    const ready = await isReady(engine.url, this.#agent)
    this.#asking.delete(engine.engine)
    this.#replicas.mark(engine, ready)
  }
}

function isReady(url: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${url}/ready`, { agent, timeout: ANSWER_WITHIN_MS }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200))
      response.once('error', () => resolve(false))
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', () => resolve(false))
  })
}
