import { setTimeout as sleep } from 'node:timers/promises'
import { BEFORE_ALL } from '@kvasir/coordinator-core'
import { RedisActors } from '@kvasir/platform'
import type { StoreAddress } from '@kvasir/contracts'

/** How often the logs are read, ms, and how much of one at a time. */
const READ_EVERY_MS = 250
const LINES_AT_ONCE = 2_000

/** Reads the decision logs of pools while they are written: the store may forget them. */
export class DecisionCollector {
  readonly logs: ReadonlyMap<string, string[]>
  /** When something was decided that had not been read, ms. */
  readonly readMs: number[] = []
  readonly #stores: RedisActors
  readonly #positions = new Map<string, string>()
  #done = false
  #reading: Promise<void> = Promise.resolve()

  constructor(address: StoreAddress, pools: readonly string[]) {
    this.#stores = new RedisActors(address)
    this.logs = new Map(pools.map((pool) => [pool, []]))
  }

  start(): void {
    this.#reading = this.#readOn()
  }

  /** Reads to the end of what there is. */
  async stop(): Promise<void> {
    this.#done = true
    await this.#reading
    for (const pool of this.logs.keys()) await this.#read(pool)
    this.#stores.close()
  }

  async #readOn(): Promise<void> {
    while (!this.#done) {
      for (const pool of this.logs.keys()) await this.#read(pool)
      await sleep(READ_EVERY_MS)
    }
  }

  async #read(pool: string): Promise<void> {
    const store = this.#stores.actor(pool)
    try {
      for (;;) {
        const tail = await store.logAfter(this.#positions.get(pool) ?? BEFORE_ALL, LINES_AT_ONCE)
        this.#positions.set(pool, tail.position)
        this.logs.get(pool)?.push(...tail.lines)
        if (tail.lines.length > 0) this.readMs.push(Date.now())
        if (tail.lines.length < LINES_AT_ONCE) return
      }
    } catch {
      // The store is away: it is looked at again in a moment.
    }
  }
}
