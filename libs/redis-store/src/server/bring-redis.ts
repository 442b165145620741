import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, unpackDebian } from './debian-packages.js'
import { isExecutable, type RedisProgram, redisOnPath } from './find-redis.js'

/** Debian's Redis: the server is the same program as `redis-check-rdb`, in the package of tools, and needs two libraries. */
const packages = ['redis-tools', 'liblzf1', 'libjemalloc2']

/**
 * A Redis server to run: one on the PATH, else Debian's package, unpacked into the user's cache folder. Nothing of the system is
 * changed but, where the package lists are missing and we are root, these lists.
 * @param say tells the user what is being brought.
 * @throws {Error} when there is none and none can be had; says what to do.
 */
export async function obtainRedis(say: (line: string) => void): Promise<RedisProgram> {
  const found = redisOnPath()
  if (found) return found
  const folder = cacheFolder('redis')
  const cached = unpackedIn(folder)
  if (cached) return cached
  say(`redis-server is not installed: unpacking Debian's package into ${folder}`)
  try {
    await unpackDebian(packages, folder, (held) => unpackedIn(held) !== undefined)
  } catch (error) {
    throw new Error(
      `no Redis: there is no redis-server or valkey-server on the PATH, and Debian's package could not be fetched (${reason(error)}). Install redis-server, or name a running one with --redis URL.`,
    )
  }
  const brought = unpackedIn(folder)
  if (brought) return brought
  throw new Error(`no Redis: ${folder} does not hold what Debian's package redis-tools should bring`)
}

function unpackedIn(folder: string): RedisProgram | undefined {
  const path = join(folder, 'usr/bin/redis-check-rdb')
  if (!isExecutable(path)) return undefined
  const libraries = readdirSync(join(folder, 'usr/lib')).map((name) => join(folder, 'usr/lib', name))
  return { path, name: 'redis-server', libraries: libraries.join(':'), source: `${path} (Debian's package)` }
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.trim().split('\n').at(-1) ?? text
}
