import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RemoteGroup } from '@kvasir/devices'
import { RedisActors } from '@kvasir/platform'
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import OpenAI from 'openai'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { POOL, poolOwner } from './testing/pool-owner.js'

const mains = {
  engine: fileURLToPath(new URL('../dist/main.js', import.meta.url)),
  'tp-group': fileURLToPath(new URL('../../tp-group/dist/main.js', import.meta.url)),
}
const built = Object.values(mains).every((path) => existsSync(path))
if (!built) console.warn('skipped: processes of engine and tp-group; build them first (npx tsc --build)')

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** A process with a profile, which is stopped at the end of the test. */
function run(name: keyof typeof mains, profile: object): ChildProcess {
  const child = spawn(process.execPath, [mains[name]], {
    env: { ...process.env, KVASIR_PROFILE: JSON.stringify(profile) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  cleanUps.push(() => ended(child, 'SIGTERM'))
  return child
}

/** Sends a signal, and answers the exit code. */
async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
  return child.exitCode
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function ready(port: number): Promise<void> {
  const asked = () => fetch(`http://127.0.0.1:${port}/ready`)
  await vi.waitFor(async () => expect((await asked()).status).toBe(200), { timeout: 30_000, interval: 100 })
}

describe.runIf(built)('processes over a real Redis', () => {
  it('serve, survive the death of the TP group, and stop with exit code 0', {
    timeout: 120_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvasir-processes-'))
    cleanUps.push(() => rmSync(folder, { recursive: true }))
    const redis = await PrivateRedis.start({ program: await obtainRedis(console.warn), persistent: false })
    cleanUps.push(() => redis.close())
    const listen = `unix:${join(folder, 'g0.sock')}`
    const [groupPort, enginePort] = [await freePort(), await freePort()]
    const { id, gpu, tp, bundles } = POOL
    const groupProfile = {
      group: id,
      gpu,
      tp,
      bundles,
      speedUp: 10,
      listen,
      journal: join(folder, 'g0.journal'),
      http: { port: groupPort },
      log: 'warn',
    }
    const group = run('tp-group', groupProfile)
    await ready(groupPort)

    const stores = new RedisActors(redis.address)
    await stores.ready()
    const device = new RemoteGroup(listen)
    const owner = poolOwner(stores, device, { llama: {} })
    await owner.start()
    cleanUps.push(async () => {
      await owner.stop()
      device.close()
      stores.close()
    })
    const engine = run('engine', {
      engine: 'llama@g0',
      model: { name: 'llama', architecture: 'Llama-3.1-8B' },
      pool: POOL,
      device: listen,
      store: redis.address,
      http: { port: enginePort },
      log: 'error',
    })
    await ready(enginePort)
    const client = new OpenAI({ baseURL: `http://127.0.0.1:${enginePort}/v1`, apiKey: 'none', maxRetries: 0 })
    const ask = (max_tokens: number) =>
      client.completions.create({ model: 'llama', prompt: 'hello', max_tokens })
    const before = await ask(20)
    expect(before.usage?.completion_tokens).toBe(20)

    const underWay = ask(20_000)
    const lost = expect(underWay).rejects.toThrow(/engine_lost/)
    await vi.waitFor(async () => {
      const health = await fetch(`http://127.0.0.1:${enginePort}/health`)
      expect(await health.json()).toMatchObject({ unfinished: 1 })
    })
    expect(await ended(group, 'SIGKILL')).toBeNull()
    await lost
    const again = run('tp-group', groupProfile)
    await ready(groupPort)
    const after = await vi.waitFor(() => ask(20), { timeout: 30_000, interval: 200 })
    expect(after.choices[0].text).toBe(before.choices[0].text)

    expect(await ended(engine, 'SIGTERM')).toBe(0)
    expect(await ended(again, 'SIGTERM')).toBe(0)
  })
})
