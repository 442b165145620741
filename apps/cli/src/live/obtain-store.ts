import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreAddress } from '@kvasir/contracts'
import { Connection, obtainRedis, PrivateRedis, type RedisProgram } from '@kvasir/redis-store'
import { BadInput } from '../bad-input.js'
import { ClusterTrouble } from './cluster-trouble.js'

/** The Redis of a cluster, for as long as it is up. */
export interface Store {
  readonly address: StoreAddress
  /** For people. */
  readonly name: string
  close(): Promise<void>
}

export interface StoreOptions {
  /** Of a Redis that runs already. */
  readonly url: string | undefined
  /** Folder of a Redis of our own. */
  readonly folder: string
  say(line: string): void
}

/** Pause before a Redis that cannot be started is tried again, ms. */
const RESTART_MS = 1_000

export type Obtained =
  | { readonly kind: 'store'; readonly store: Store }
  /** There is no Redis, and none can be had. */
  | { readonly kind: 'none'; readonly reason: string }

/**
 * The Redis that is named, else one of our own that keeps its data in `folder`.
 * @throws {ClusterTrouble} when the one named does not answer.
 */
export async function obtainStore({ url, folder, say }: StoreOptions): Promise<Obtained> {
  if (url !== undefined) return { kind: 'store', store: await namedStore(url) }
  try {
    const program = await obtainRedis(say)
    return { kind: 'store', store: await privateStore(program, join(folder, 'redis'), say) }
  } catch (error) {
    return { kind: 'none', reason: messageOf(error) }
  }
}

/** A Redis of our own, which is started again with its data when it ends. */
async function privateStore(
  program: RedisProgram,
  folder: string,
  say: (line: string) => void,
): Promise<Store> {
  mkdirSync(folder, { recursive: true })
  let closed = false
  const again = async (): Promise<void> => {
    while (!closed) {
      say('redis has ended; it starts again')
      try {
        return await redis.restart()
      } catch (error) {
        say(messageOf(error))
        await sleep(RESTART_MS)
      }
    }
  }
  const redis = await PrivateRedis.start({ program, persistent: true, folder, ended: () => void again() })
  const { socket = '' } = redis.address
  const close = () => {
    closed = true
    return redis.close()
  }
  return { address: { socket }, name: `unix:${socket}`, close }
}

/** @param source option or variable that the address is from. @throws {BadInput} */
export function refuseNoRedisUrl(source: string, url: string | undefined): void {
  if (url === undefined || (/^rediss?:\/\//.test(url) && URL.canParse(url))) return
  throw new BadInput(`${source} is ${JSON.stringify(url)}; it must be a URL, such as redis://127.0.0.1:6379`)
}

async function namedStore(url: string): Promise<Store> {
  const connection = new Connection({ url })
  try {
    await connection.ready()
  } catch (error) {
    throw new ClusterTrouble(
      `the Redis at ${url} does not answer (${messageOf(error)}); start it, or leave --redis out to have a private one`,
    )
  } finally {
    connection.close()
  }
  return { address: { url }, name: url, close: () => Promise.resolve() }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
