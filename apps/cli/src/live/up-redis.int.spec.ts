import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Connection, obtainRedis } from '@kvasir/redis-store'
import { afterAll, describe, expect, it } from 'vitest'
import type { ClusterStatus } from './status.js'

/** Real processes on a Redis that is somebody else's: it serves others, and is there before and after. */
const launcher = fileURLToPath(new URL('../../bin/kvasir.js', import.meta.url))
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const state = mkdtempSync(join(tmpdir(), 'kvasir-up-'))
const env = { ...process.env, NO_COLOR: '1', KVASIR_STATE: state, KVASIR_URL: '' }

const program = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no cluster is brought up on a Redis of others: ${String(error)}`)
  return undefined
})

const cleanUps: (() => unknown)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  rmSync(state, { recursive: true, force: true })
}, 60_000)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Of others: nobody here restarts or ends it. */
async function redisOnTcp(): Promise<string> {
  if (!program) throw new Error('no Redis')
  const port = await freePort()
  const server = spawn(program.path, ['--port', String(port), '--save', '', '--dir', state], {
    argv0: program.name,
    stdio: 'ignore',
    env: { ...process.env, ...(program.libraries ? { LD_LIBRARY_PATH: program.libraries } : {}) },
  })
  cleanUps.push(() => server.kill('SIGKILL'))
  const url = `redis://127.0.0.1:${port}`
  await answers(url)
  return url
}

/** @throws when nobody does. */
async function answers(url: string): Promise<void> {
  const connection = new Connection({ url })
  await connection.ready(20_000).finally(() => connection.close())
}

async function kvasir(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (data) => (out += String(data)))
  const [code] = await once(child, 'close')
  expect({ args, code }).toMatchObject({ code: 0 })
  return out
}

async function status(): Promise<ClusterStatus> {
  return JSON.parse(await kvasir('status', '--json')) as ClusterStatus
}

async function until(cluster: ChildProcess, holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    if (cluster.exitCode !== null) throw new Error(`the cluster ended with ${cluster.exitCode}`)
    await sleep(100)
  }
}

async function completion(gateway: string): Promise<number> {
  const response = await fetch(`${gateway}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'chat', prompt: 'hello', max_tokens: 8 }),
  })
  return response.status
}

describe.skipIf(program === undefined)('kvasir up --redis', () => {
  it('lives on a Redis of others, survives the death of a coordinator, and leaves the Redis as it was', {
    timeout: 600_000,
  }, async () => {
    const url = await redisOnTcp()
    const file = join(state, 'small.yaml')
    writeFileSync(
      file,
      [
        'name: small',
        'cluster: { groups: [{ id: left, gpu: H100, tp: 1 }] }',
        'models: [{ name: chat, architecture: Llama-3.1-8B, pools: [left] }]',
      ].join('\n'),
    )
    let said = ''
    const cluster = spawn(
      process.execPath,
      [launcher, 'up', '-f', file, '--redis', url, '--port', '0', '--coordinators', '2'],
      { env, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    cluster.stderr.on('data', (data) => (said += String(data)))
    cleanUps.push(() => cluster.kill('SIGKILL'))
    await until(cluster, () => said.includes('is up:'))
    const before = await status()
    expect(before.cluster.redis).toBe(url)
    expect(await completion(before.cluster.gateway)).toBe(200)

    // Whoever it is, it owns at least one office: there are two, and they are shared.
    const victim = before.processes.find(({ name }) => name === 'coordinator-1')
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    expect(await completion(before.cluster.gateway)).toBe(200)
    await until(cluster, async () => {
      const { processes } = await status()
      const again = processes.find(({ name }) => name === 'coordinator-1')
      return again?.restarts === 1 && processes.every(({ ready }) => ready)
    })
    expect(await kvasir('pool', 'list')).toMatch(/left +coordinator-\d/)
    expect(await completion(before.cluster.gateway)).toBe(200)

    expect(await kvasir('down')).toBe('small is down\n')
    if (cluster.exitCode === null) await once(cluster, 'exit')
    expect(cluster.exitCode, said).toBe(0)
    await answers(url)
  })
})
