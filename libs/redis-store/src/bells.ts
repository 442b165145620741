import type { Redis } from 'ioredis'
import { newClient, type RedisAddress } from './connection.js'

/** How often it is asked whether the connection lives: what is said meanwhile comes with the answer to the next heartbeat. */
const ALIVE_EVERY_MS = 3_000

/**
 * Hears channels over a connection of its own. What a message says is in the store too, so none need be kept; when the connection was
 * lost, everybody is told with an empty text that something may have been said.
 */
export class Bells {
  readonly #client: Redis
  readonly #listeners = new Map<string, Set<(text: string) => void>>()
  readonly #alive: NodeJS.Timeout

  constructor(address: RedisAddress) {
    // No command waits on this connection, so its silence must be told from its death by asking.
    this.#client = newClient(address, 'channels')
    this.#client.on('error', () => undefined)
    this.#client.on('message', (channel, text) => this.#ring(channel, text))
    this.#client.on('ready', () => {
      for (const channel of this.#listeners.keys()) this.#ring(channel, '')
    })
    this.#alive = setInterval(() => void this.#client.ping().catch(() => undefined), ALIVE_EVERY_MS)
    this.#alive.unref()
  }

  /** Calls `listener` with what is said in `channel`; with nothing when something may have been. Answers how to stop. */
  async listen(channel: string, listener: (text: string) => void): Promise<() => void> {
    const listeners = this.#listeners.get(channel) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(channel, listeners)
    if (listeners.size === 1) await this.#client.subscribe(channel)
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      this.#listeners.delete(channel)
      void this.#client.unsubscribe(channel).catch(() => undefined)
    }
  }

  close(): void {
    clearInterval(this.#alive)
    this.#client.disconnect()
  }

  #ring(channel: string, text: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(text)
  }
}
