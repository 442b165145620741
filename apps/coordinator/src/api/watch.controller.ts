import { VIEW_PEER } from '@kvasir/coordinator-core'
import type { LogTail } from '@kvasir/platform'
import { Controller, Inject, type MessageEvent, Sse } from '@nestjs/common'
import { Observable, type Subscriber } from 'rxjs'
import { type ClusterReader, recordIn } from '../desk/cluster-reader.js'
import { READER } from './tokens.js'

/** How often a log is looked at, ms, and how much of it is taken at once: what comes faster is told later. */
const LOG_EVERY_MS = 250
const LOG_AT_ONCE = 500

/**
 * Server-sent events: `pool` is a pool's view, with budgets and conditions, at first and whenever it has changed; `decision` is a line of
 * the decision log.
 */
@Controller('v1/watch')
export class WatchController {
  readonly #reader: ClusterReader

  constructor(@Inject(READER) reader: ClusterReader) {
    this.#reader = reader
  }

  @Sse()
  watch(): Observable<MessageEvent> {
    return new Observable((subscriber) => {
      const stops = this.#reader.pools.map((pool) => this.#watchPool(pool, subscriber))
      return () => {
        for (const stop of stops) stop()
      }
    })
  }

  #watchPool(pool: string, subscriber: Subscriber<MessageEvent>): () => void {
    const stopping = new AbortController()
    const { signal } = stopping
    void this.#views(pool, subscriber, signal)
    void this.#decisions(pool, subscriber, signal)
    return () => stopping.abort()
  }

  async #views(pool: string, subscriber: Subscriber<MessageEvent>, signal: AbortSignal): Promise<void> {
    const tell = async () => {
      // The store may be away for a while: what it has is told when it is back.
      const view = await this.#reader.view(pool).catch(() => undefined)
      if (view && !signal.aborted) subscriber.next({ type: 'pool', data: view })
    }
    const silence = await this.#reader.store(pool).onTick(VIEW_PEER, () => void tell())
    if (signal.aborted) return silence()
    signal.addEventListener('abort', silence, { once: true })
    await tell()
  }

  async #decisions(pool: string, subscriber: Subscriber<MessageEvent>, signal: AbortSignal): Promise<void> {
    const store = this.#reader.store(pool)
    let position: LogTail['position'] | null = null
    while (!signal.aborted) {
      const tail: LogTail | undefined = await store.logAfter(position, LOG_AT_ONCE).catch(() => undefined)
      if (tail) {
        position = tail.position
        if (signal.aborted) return
        for (const record of tail.lines.flatMap(recordIn)) subscriber.next({ type: 'decision', data: record })
      }
      await new Promise((resolve) => setTimeout(resolve, LOG_EVERY_MS))
    }
  }
}
