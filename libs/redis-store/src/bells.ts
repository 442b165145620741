import type { Redis } from 'ioredis'
import { newClient, type RedisAddress } from './connection.js'

/**
 * Hears channels over a connection of its own. A message only says that something changed, so none need be kept; when the connection
 * was lost, everybody is told that something may have changed.
 */
export class Bells {
  readonly #client: Redis
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #alive: NodeJS.Timeout

  constructor(address: RedisAddress) {
    // No command waits on this connection, so its silence must be told from its death by asking.
    this.#client = newClient(address, 'channels')
    this.#client.on('error', () => undefined)
    this.#client.on('message', (channel) => this.#ring(channel))
    this.#client.on('ready', () => {
      for (const channel of this.#listeners.keys()) this.#ring(channel)
    })
    this.#alive = setInterval(() => void this.#client.ping().catch(() => undefined), 1_000)
    this.#alive.unref()
  }

  /** Calls `listener` whenever `channel` rings. Answers how to stop. */
  async listen(channel: string, listener: () => void): Promise<() => void> {
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

  #ring(channel: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener()
  }
}
