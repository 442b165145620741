import type { DecisionRecord, PoolView } from '@kvasir/contracts'
import { VIEW_PEER } from '@kvasir/coordinator-core'
import type { LogTail } from '@kvasir/platform'
import { type ClusterReader, recordIn } from './cluster-reader.js'

/** How often a log is looked at, ms, and how much of it is taken at once: what comes faster is told later. */
const LOG_EVERY_MS = 250
const LOG_AT_ONCE = 500

export type ClusterEvent =
  /** A pool's view, with budgets and conditions: at first and whenever it has changed. */
  | { readonly kind: 'pool'; readonly view: PoolView }
  /** A line of the decision log, as it comes. */
  | { readonly kind: 'decision'; readonly record: DecisionRecord }

/** Tells of everything that happens in the cluster. While the store is away there is nothing to tell. Answers how to stop. */
export function watchCluster(reader: ClusterReader, tell: (event: ClusterEvent) => void): () => void {
  const stopping = new AbortController()
  const { signal } = stopping
  for (const pool of reader.pools) {
    void watchViews(reader, pool, signal, tell)
    void watchDecisions(reader, pool, signal, tell)
  }
  return () => stopping.abort()
}

type Tell = (event: ClusterEvent) => void

async function watchViews(
  reader: ClusterReader,
  pool: string,
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  const look = async () => {
    const view = await reader.view(pool).catch(() => undefined)
    if (view && !signal.aborted) tell({ kind: 'pool', view })
  }
  const silence = await reader.store(pool).onTick(VIEW_PEER, () => void look())
  if (signal.aborted) return silence()
  signal.addEventListener('abort', silence, { once: true })
  await look()
}

async function watchDecisions(
  reader: ClusterReader,
  pool: string,
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  const store = reader.store(pool)
  let position: LogTail['position'] | null = null
  while (!signal.aborted) {
    const tail: LogTail | undefined = await store.logAfter(position, LOG_AT_ONCE).catch(() => undefined)
    if (signal.aborted) return
    if (tail) position = tail.position
    for (const record of tail?.lines.flatMap(recordIn) ?? []) tell({ kind: 'decision', record })
    await new Promise((resolve) => setTimeout(resolve, LOG_EVERY_MS))
  }
}
