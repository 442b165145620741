import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { obtainRedis } from '@kvasir/redis-store'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClusterStatus } from './status.js'

/** Real processes on a private Redis: the command as people run it, and a client that nobody here wrote. */
const launcher = fileURLToPath(new URL('../../bin/kvasir.js', import.meta.url))
/** What the launcher has built by then. */
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const engineMain = fileURLToPath(new URL('../../../engine/dist/main.js', import.meta.url))
const state = mkdtempSync(join(tmpdir(), 'kvasir-up-'))
const env = { ...process.env, NO_COLOR: '1', KVASIR_STATE: state, KVASIR_URL: '' }

/** Building all apps and starting a dozen processes, on two cores that others use too. */
const PATIENCE_MS = 240_000

const redis = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no cluster is brought up: ${String(error)}`)
  return undefined
})

let cluster: ChildProcess
let said = ''

async function kvasir(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [main, ...args], { env })
  let out = ''
  let err = ''
  child.stdout.on('data', (data) => (out += String(data)))
  child.stderr.on('data', (data) => (err += String(data)))
  const [code] = await once(child, 'close')
  expect({ args, code, err }).toMatchObject({ code: 0 })
  return out
}

async function status(): Promise<ClusterStatus> {
  return JSON.parse(await kvasir('status', '--json')) as ClusterStatus
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    if (cluster.exitCode !== null) throw new Error(`the cluster ended with ${cluster.exitCode}:\n${said}`)
    await sleep(50)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** What a process of the cluster was told at its start. */
function profileOf(name: string): string {
  const [found] = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith(`profiles/${name}.json`),
  )
  return join(state, found)
}

interface Load {
  readonly engine: string
  readonly outstanding: number
}

async function loads(gateway: string): Promise<readonly Load[]> {
  const ready = (await (await fetch(`${gateway}/ready`)).json()) as { readonly engines: readonly Load[] }
  return ready.engines
}

describe.skipIf(redis === undefined)('kvasir up', () => {
  let gateway: string
  let client: OpenAI

  beforeAll(async () => {
    cluster = spawn(process.execPath, [launcher, 'up', '--port', '0'], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    cluster.stderr?.on('data', (data) => (said += String(data)))
    await until(() => said.includes('is up:'))
    gateway = (await status()).cluster.gateway
    client = new OpenAI({ apiKey: 'none', baseURL: `${gateway}/v1`, maxRetries: 0 })
  }, PATIENCE_MS)

  afterAll(async () => {
    if (cluster.exitCode === null) {
      cluster.kill('SIGTERM')
      await once(cluster, 'exit')
    }
    rmSync(state, { recursive: true, force: true })
  }, PATIENCE_MS)

  it(
    'serves every model at the gateway, whole and streamed',
    async () => {
      for (const { id: model } of (await client.models.list()).data) {
        const messages = [{ role: 'user' as const, content: `hello, ${model}` }]
        const whole = await client.chat.completions.create({ model, messages, max_tokens: 12 })
        const chunks = await client.chat.completions.create({ model, messages, max_tokens: 12, stream: true })
        let streamed = ''
        for await (const chunk of chunks) streamed += chunk.choices[0]?.delta.content ?? ''
        expect(streamed).toBe(whole.choices[0]?.message.content)
        expect(whole.usage?.completion_tokens).toBeGreaterThan(0)
      }
    },
    PATIENCE_MS,
  )

  it(
    'changes the terms of a model while it serves, and says so where it is asked',
    async () => {
      await kvasir('model', 'set', 'chat', '--weight', '5')
      const models = JSON.parse(await kvasir('model', 'list', '--json')) as { name: string; weight: number }[]
      expect(models.find(({ name }) => name === 'chat')?.weight).toBe(5)
      expect(await kvasir('explain', '--model', 'chat')).toMatch(/chat@left gets .* tokens in round/)
      expect(await kvasir('pool', 'list')).toMatch(/left +coordinator-\d/)
      expect(await kvasir('engine', 'list')).toContain('report@right')
    },
    PATIENCE_MS,
  )

  it(
    'finishes what an engine had not answered that is killed',
    async () => {
      const asked = Array.from({ length: 6 }, (_, i) =>
        client.completions.create({ model: 'report', prompt: `request ${i}`, max_tokens: 200 }),
      )
      const busy = async () =>
        (await loads(gateway)).find(
          ({ engine, outstanding }) => engine.startsWith('report@') && outstanding > 0,
        )
      await until(async () => (await busy()) !== undefined)
      const { engine } = (await busy()) ?? { engine: 'none' }
      const { pid = 0 } = (await status()).processes.find(({ name }) => name === engine) ?? {}
      process.kill(pid, 'SIGKILL')
      for (const answer of await Promise.all(asked)) expect(answer.choices[0]?.text).not.toBe('')
      await until(async () => (await status()).processes.every(({ ready }) => ready))
      expect((await status()).processes.find(({ name }) => name === engine)?.restarts).toBe(1)
    },
    PATIENCE_MS,
  )

  it(
    'sends requests to an engine that was started after the gateway, of a model that nobody knew',
    async () => {
      await kvasir('model', 'add', 'late', '--architecture', 'Llama-3.1-8B')
      const profile = JSON.parse(readFileSync(profileOf('chat@left'), 'utf8')) as object
      const late = {
        ...profile,
        engine: 'late@left',
        model: { name: 'late', architecture: 'Llama-3.1-8B' },
        http: { port: 0 },
        log: 'error',
      }
      const engine = spawn(process.execPath, [engineMain], {
        env: { ...env, KVASIR_PROFILE: JSON.stringify(late) },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      await until(async () => (await loads(gateway)).some(({ engine: name }) => name === 'late@left'))
      const answer = await client.completions.create({ model: 'late', prompt: 'hello', max_tokens: 12 })
      expect(answer.usage?.completion_tokens).toBe(12)
      const left = once(engine, 'exit')
      engine.kill('SIGTERM')
      expect(await left).toEqual([0, null])
      const refused = client.completions.create({ model: 'late', prompt: 'hello', max_tokens: 12 })
      await expect(refused).rejects.toMatchObject({ status: 503 })
    },
    PATIENCE_MS,
  )

  it(
    'drains and leaves nothing behind when it is told to end',
    async () => {
      const { processes } = await status()
      expect(await kvasir('down')).toBe('three-models is down\n')
      if (cluster.exitCode === null) await once(cluster, 'exit')
      expect(cluster.exitCode).toBe(0)
      expect(processes.filter(({ pid }) => pid !== undefined && isAlive(pid))).toEqual([])
    },
    PATIENCE_MS,
  )
})
