import { Redis } from 'ioredis'

/** Where a Redis is: a URL (`redis://`, `rediss://`) or the path of a unix socket. */
export interface QueueAddress {
  readonly url?: string
  readonly socket?: string
}

/** The Redis does not answer: a person must see to it. */
export class QueueTrouble extends Error {
  override readonly name = 'QueueTrouble'
}

const CONNECT_MS = 5_000

/**
 * A connection that waits for a Redis that is away, however long, and then goes on: nothing of an experiment is in a hurry.
 * BullMQ asks for `maxRetriesPerRequest: null` where it blocks.
 */
export function connectQueue(address: QueueAddress): Redis {
  return newRedis(address, { maxRetriesPerRequest: null })
}

/** A connection whose commands fail soon while Redis is away, for those who answer people. */
export function connectImpatiently(address: QueueAddress): Redis {
  return newRedis(address, { maxRetriesPerRequest: 1, commandTimeout: CONNECT_MS })
}

interface Manners {
  readonly maxRetriesPerRequest?: number | null
  readonly commandTimeout?: number
  readonly lazyConnect?: boolean
  readonly retryStrategy?: () => null
}

function newRedis({ url, socket }: QueueAddress, manners: Manners): Redis {
  const options = { ...manners, connectTimeout: CONNECT_MS }
  const place = url ?? socket
  const redis = place === undefined ? new Redis(options) : new Redis(place, options)
  // Commands report their failures or wait; without a listener the process would end.
  redis.on('error', () => undefined)
  return redis
}

/** @throws {QueueTrouble} when no Redis answers there in time. */
export async function reachQueue(address: QueueAddress): Promise<void> {
  const redis = newRedis(address, { lazyConnect: true, retryStrategy: () => null })
  try {
    await redis.connect()
    await redis.ping()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new QueueTrouble(`the Redis at ${addressName(address)} does not answer (${reason})`)
  } finally {
    redis.disconnect()
  }
}

/** For people; without the password. */
export function addressName({ url, socket }: QueueAddress): string {
  if (url === undefined) return socket === undefined ? 'redis://127.0.0.1:6379' : `unix:${socket}`
  return url.replace(/\/\/[^@/]*@/, '//')
}
