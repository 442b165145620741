import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Connection } from '../connection.js'
import { obtainRedis } from './bring-redis.js'
import { PrivateRedis } from './private-redis.js'

const program = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no private server is started: ${String(error)}`)
  return undefined
})

describe.skipIf(program === undefined)('PrivateRedis', () => {
  it('ends a server that an earlier process left behind in its folder, and has its data', async () => {
    if (!program) return
    const folder = mkdtempSync(join(tmpdir(), 'kvasir-redis-'))
    const options = { program, persistent: true, folder }
    const abandoned = await PrivateRedis.start(options)
    const connection = new Connection(abandoned.address)
    await connection.ready()
    await connection.run((client) => client.set('said', 'before'))
    const { pid = 0 } = abandoned
    const redis = await PrivateRedis.start(options)
    expect(() => process.kill(pid, 0)).toThrow()
    await connection.ready()
    expect(await connection.run((client) => client.get('said'))).toBe('before')
    connection.close()
    await redis.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('says when a server ends that nobody told to, and only then', async () => {
    if (!program) return
    let ended: () => void = () => undefined
    const hasEnded = new Promise<void>((resolve) => {
      ended = resolve
    })
    let ends = 0
    const redis = await PrivateRedis.start({ program, persistent: false, ended: () => (ends++, ended()) })
    process.kill(redis.pid ?? 0, 'SIGKILL')
    await hasEnded
    await redis.restart()
    await redis.close()
    expect(ends).toBe(1)
  })
})
