import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { Connection } from '../connection.js'
import { obtainRedis } from './bring-redis.js'
import { PrivateRedis } from './private-redis.js'

const program = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no private server is started: ${String(error)}`)
  return undefined
})

const built = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
if (!existsSync(built))
  console.warn('SKIPPED, the end of a process that has a server: build it first (npx tsc --build)')

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

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

  it('is in a process group of its own, which Ctrl-C does not reach', async () => {
    if (!program) return
    const redis = await PrivateRedis.start({ program, persistent: false })
    // Fields of proc(5): state, parent and process group come after the name.
    const fields = readFileSync(`/proc/${redis.pid}/stat`, 'utf8').split(') ')[1].split(' ')
    expect(fields[2]).toBe(String(redis.pid))
    await redis.close()
  })

  it.skipIf(!existsSync(built))('ends with the process that started it, even if that is killed', async () => {
    if (!program) return
    const script = `
      const { PrivateRedis } = await import(${JSON.stringify(built)})
      const redis = await PrivateRedis.start({ program: ${JSON.stringify(program)}, persistent: false })
      console.log(redis.pid)
      setInterval(() => undefined, 1_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    expect(isAlive(pid)).toBe(true)
    child.kill('SIGKILL')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 20_000)
  })
})
