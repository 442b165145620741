import type { Agent } from 'node:http'
import { type GatewayEngine, gatewayEngineSchema, parseDocument } from '@kvasir/contracts'
import type { Schema } from '@kvasir/platform'
import type { Logger } from 'pino'
import { z } from 'zod'
import { jsonIn } from './event-stream.js'
import { getText } from './get-text.js'
import type { Replicas } from './replicas.js'
import type { EngineWatch } from './watch-engines.js'

/** How often the coordinators are asked, how long one may take to answer, and how soon after an answer a request may have them asked, ms. */
const ASK_EVERY_MS = 3_000
const ANSWER_WITHIN_MS = 1_000
const ASK_AGAIN_MS = 250

/**
 * Answers without an engine until it is forgotten. Whether it takes requests it says itself; a store that has forgotten it for a moment
 * must not make the gateway do so too.
 */
const MISSING_MOST = 4

// Of what coordinators answer, what the gateway goes by: a newer one may say more.
const enginesSchema = z.looseObject({
  engines: z.array(z.looseObject({ engine: z.string(), model: z.string(), url: z.string().optional() })),
})
const modelsSchema = z.looseObject({ models: z.array(z.looseObject({ name: z.string() })) })

export interface DiscoveryParts {
  /** Any of them knows everything. */
  readonly coordinators: readonly string[]
  /** Never forgotten. */
  readonly engines: readonly GatewayEngine[]
  readonly replicas: Replicas
  readonly watch: EngineWatch
  readonly agent: Agent
  readonly log: Logger
}

/** Learns from the coordinators which engines and models there are. While none answers, what is known stays. */
export class Discovery {
  readonly #parts: DiscoveryParts
  /** Of the coordinator that answered last: it is asked first. */
  #turn = 0
  #timer: NodeJS.Timeout | undefined
  #asking: Promise<void> | undefined
  #answeredMs = -Infinity
  /** By engine: answers in which it was missing. */
  readonly #missing = new Map<string, number>()

  constructor(parts: DiscoveryParts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#parts.coordinators.length === 0) return
    void this.#ask()
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Somebody asks for a model that nobody knows: it may be new. */
  async look(): Promise<void> {
    if (this.#parts.coordinators.length === 0) return
    if (performance.now() - this.#answeredMs > ASK_AGAIN_MS) await this.#ask()
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askInTurn().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #askInTurn(): Promise<void> {
    const { coordinators } = this.#parts
    for (let i = 0; i < coordinators.length; i++) {
      const turn = (this.#turn + i) % coordinators.length
      const [listed, registered] = await Promise.all([
        this.#answer(enginesSchema, `${coordinators[turn]}/v1/engines`),
        this.#answer(modelsSchema, `${coordinators[turn]}/v1/models`),
      ])
      if (!listed || !registered) continue
      this.#turn = turn
      this.#answeredMs = performance.now()
      this.#note(
        listed.engines.flatMap(reachable),
        registered.models.map(({ name }) => name),
      )
      return
    }
  }

  async #answer<T>(schema: Schema<T>, url: string): Promise<T | undefined> {
    const answer = await getText(url, this.#parts.agent, ANSWER_WITHIN_MS)
    if (answer?.status !== 200) return undefined
    const parsed = parseDocument(schema, jsonIn(answer.text))
    return parsed.kind === 'parsed' ? parsed.value : undefined
  }

  #note(engines: readonly GatewayEngine[], models: readonly string[]): void {
    const { replicas, watch, log } = this.#parts
    const before = new Map(replicas.engines.map((engine) => [engine.engine, engine.url]))
    for (const engine of engines) {
      this.#missing.delete(engine.engine)
      replicas.add(engine)
      if (before.get(engine.engine) === engine.url) continue
      log.info(engine, 'engine found')
      void watch.ask(engine)
    }
    this.#forget(new Set(engines.map(({ engine }) => engine)))
    this.#learn(new Set(models))
  }

  #forget(listed: ReadonlySet<string>): void {
    const { replicas, engines: fixed, log } = this.#parts
    for (const engine of replicas.engines) {
      const name = engine.engine
      if (listed.has(name) || fixed.some((one) => one.engine === name)) continue
      const answers = (this.#missing.get(name) ?? 0) + 1
      this.#missing.set(name, answers)
      if (answers < MISSING_MOST) continue
      this.#missing.delete(name)
      replicas.remove(name)
      log.info({ engine: name }, 'engine forgotten')
    }
  }

  #learn(registered: ReadonlySet<string>): void {
    const { replicas } = this.#parts
    for (const model of registered) replicas.learn(model)
    const served = new Set(replicas.engines.map(({ model }) => model))
    for (const model of replicas.models)
      if (!registered.has(model) && !served.has(model)) replicas.forget(model)
  }
}

/** An engine that says where clients reach it; the others serve none. */
function reachable({
  engine,
  model,
  url,
}: z.infer<typeof enginesSchema>['engines'][number]): GatewayEngine[] {
  const parsed = parseDocument(gatewayEngineSchema, { engine, model, url })
  return parsed.kind === 'parsed' ? [parsed.value] : []
}
