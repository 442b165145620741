import { setTimeout as sleep } from 'node:timers/promises'
import { gatewayProfileSchema, type GatewayProfile } from '@kvasir/contracts'
import type { Running } from '@kvasir/platform'
import OpenAI, { APIError } from 'openai'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { start } from './start.js'
import { StandInCoordinator } from './testing/stand-in-coordinator.js'
import { answers, begins, type Behaviour, dies, refuses, StandInEngine } from './testing/stand-in-engine.js'

let left: StandInEngine
let right: StandInEngine
let gateway: Running
let client: OpenAI

const messages = [{ role: 'user' as const, content: 'hello?' }]

beforeEach(async () => {
  left = await StandInEngine.start()
  right = await StandInEngine.start()
  await startGateway({})
})

afterEach(async () => {
  await gateway.stop()
  left.kill()
  right.kill()
})

async function startGateway(more: Partial<GatewayProfile>): Promise<void> {
  const engines = [
    { engine: 'chat@left', model: 'chat', url: left.url },
    { engine: 'chat@right', model: 'chat', url: right.url },
  ]
  const http = { host: '127.0.0.1', port: 0 }
  gateway = await start(
    gatewayProfileSchema.parse({ engines, http, log: 'silent', patienceMs: 300, ...more }),
  )
  client = new OpenAI({ apiKey: 'none', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  await until(async () => (await fetch(`${gateway.url}/ready`)).status === 200)
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10)
}

/** The first engine that is asked does this; every other answers. */
function firstOne(behaviour: Behaviour): void {
  let asked = false
  const once: Behaviour = (response, body) => {
    const act = asked ? answers('from the other') : behaviour
    asked = true
    act(response, body)
  }
  left.behaviour = once
  right.behaviour = once
}

async function underWay(): Promise<number> {
  const health = (await (await fetch(`${gateway.url}/health`)).json()) as { underWay: number }
  return health.underWay
}

async function known() {
  const { engines } = (await (await fetch(`${gateway.url}/ready`)).json()) as {
    engines: readonly { engine: string; url: string; ready: boolean }[]
  }
  return engines
}

function complete() {
  return client.chat.completions.create({ model: 'chat', messages })
}

function stream() {
  return client.chat.completions.create({ model: 'chat', messages, stream: true })
}

async function textOf(chunks: Awaited<ReturnType<typeof stream>>): Promise<string[]> {
  const words: string[] = []
  for await (const chunk of chunks) {
    const word = chunk.choices[0]?.delta.content
    if (word) words.push(word)
  }
  return words
}

test('completes and streams, on both engines of a model', async () => {
  left.behaviour = answers('a b c')
  right.behaviour = answers('a b c')
  expect((await complete()).choices[0]?.message.content).toBe('a b c')
  expect(await textOf(await stream())).toEqual(['a', 'b', 'c'])
  expect([left.bodies.length, right.bodies.length]).toEqual([1, 1])
})

test('passes on priority, deadline and tenant, and names the request and its engine', async () => {
  const answer = await fetch(`${gateway.url}/v1/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-priority': '3',
      'x-tenant': 'acme',
      'x-request-id': 'r1',
    },
    body: JSON.stringify({ model: 'chat', prompt: 'x' }),
  })
  const [sent] = [...left.headers, ...right.headers]
  expect(sent).toMatchObject({ 'x-priority': '3', 'x-tenant': 'acme', 'x-request-id': 'r1' })
  expect(answer.headers.get('x-request-id')).toBe('r1')
  expect(answer.headers.get('x-kvasir-engine')).toMatch(/^chat@/)
})

test.each([
  ['breaks off', dies],
  ['has lost its device', refuses(503, 'no_device')],
  ['gives the request up', refuses(500, 'engine_lost')],
])('sends a request elsewhere when its engine %s', async (_what, behaviour) => {
  firstOne(behaviour)
  expect((await complete()).choices[0]?.message.content).toBe('from the other')
})

test('sends a stream elsewhere that has only said who speaks', async () => {
  firstOne((response, body) => {
    begins([])(response, body)
    setTimeout(() => response.destroy(), 20)
  })
  expect(await textOf(await stream())).toEqual(['from', 'the', 'other'])
})

test('ends a stream with engine_lost that has tokens', async () => {
  firstOne((response, body) => {
    begins(['one', 'two'])(response, body)
    setTimeout(() => response.destroy(), 20)
  })
  const words: string[] = []
  const failure = await (async () => {
    for await (const chunk of await stream()) words.push(chunk.choices[0]?.delta.content ?? '')
  })().catch((error: unknown) => error)
  expect(words.join(' ').trim()).toBe('one two')
  expect(failure).toBeInstanceOf(APIError)
  expect(failure).toMatchObject({ code: 'engine_lost' })
  expect(left.bodies.length + right.bodies.length).toBe(1)
})

test('waits for an engine to come back, and says 503 when none does', async () => {
  left.ready = false
  right.ready = false
  await until(async () => (await fetch(`${gateway.url}/ready`)).status === 503)
  await expect(complete()).rejects.toMatchObject({ status: 503, code: 'no_engine' })
  await gateway.stop()
  left.ready = true
  await startGateway({ patienceMs: 5_000 })
  left.ready = false
  await until(async () => (await fetch(`${gateway.url}/ready`)).status === 503)
  const waiting = complete()
  right.ready = true
  expect((await waiting).choices[0]?.message.content).toBe('hello')
})

test('passes a full queue on with its Retry-After', async () => {
  left.behaviour = refuses(429, 'queue_full', { 'retry-after': '2' })
  right.behaviour = left.behaviour
  const failure = await complete().catch((error: unknown) => error)
  expect(failure).toMatchObject({ status: 429, code: 'queue_full' })
  expect((failure as APIError).headers?.get('retry-after')).toBe('2')
  expect(left.bodies.length + right.bodies.length).toBe(1)
})

test('knows only the models it was told of, and says which', async () => {
  await expect(client.completions.create({ model: 'other', prompt: 'x' })).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
    message: expect.stringContaining('must be one of chat'),
  })
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['chat'])
})

test.each([
  ['no model', JSON.stringify({ prompt: 'x' }), 'model is missing'],
  ['no JSON', '{', 'JSON'],
])('refuses a body with %s in the shape of OpenAI', async (_what, body, says) => {
  const answer = await fetch(`${gateway.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({
    error: { type: 'invalid_request_error', message: expect.stringContaining(says) },
  })
})

test('cancels at the engine what its client does not want any more', async () => {
  left.behaviour = begins(['one'])
  right.behaviour = left.behaviour
  const chunks = await stream()
  for await (const chunk of chunks) if (chunk.choices[0]?.delta.content === 'one') break
  await until(() => left.cancelled + right.cancelled === 1)
  await until(async () => (await underWay()) === 0)
})

test('refuses what is above the limit of a tenant, and nobody else', async () => {
  await gateway.stop()
  await startGateway({ tenantLimit: 1 })
  left.behaviour = begins(['one'])
  right.behaviour = left.behaviour
  const asked = stream()
  await until(() => left.bodies.length + right.bodies.length === 1)
  await expect(stream()).rejects.toMatchObject({ status: 429, code: 'tenant_limit' })
  left.behaviour = answers('for another')
  right.behaviour = left.behaviour
  const other = client.chat.completions.create(
    { model: 'chat', messages },
    { headers: { 'x-tenant': 'acme' } },
  )
  expect((await other).choices[0]?.message.content).toBe('for another')
  ;(await asked).controller.abort()
})

test('sends requests to an engine that came after it, at the address that the coordinator knows', async () => {
  const [gone, coordinator] = [await StandInCoordinator.start(), await StandInCoordinator.start()]
  const coordinators = [gone.url, coordinator.url]
  gone.stop()
  await gateway.stop()
  coordinator.models = ['chat', 'late']
  await startGateway({ coordinators })
  const late = await StandInEngine.start()
  const asked = client.completions.create({ model: 'late', prompt: 'x' })
  await expect(asked).rejects.toMatchObject({ status: 503, code: 'no_engine' })
  coordinator.engines = [
    { engine: 'late@left', model: 'late', url: late.url },
    { engine: 'mute@left', model: 'late' },
  ]
  await until(async () => (await known()).some(({ engine, ready }) => engine === 'late@left' && ready))
  expect((await client.completions.create({ model: 'late', prompt: 'x' })).choices[0]?.text).toBe('hello')
  expect(late.bodies).toHaveLength(1)

  const moved = await StandInEngine.start()
  late.kill()
  coordinator.engines = [{ engine: 'late@left', model: 'late', url: moved.url }]
  await until(async () => (await known()).some(({ url, ready }) => url === moved.url && ready))
  await client.completions.create({ model: 'late', prompt: 'x' })
  expect(moved.bodies).toHaveLength(1)
  moved.kill()
  coordinator.stop()
})

test('asks the coordinators at once when a model is asked for that it has not heard of', async () => {
  const coordinator = await StandInCoordinator.start()
  await gateway.stop()
  await startGateway({ coordinators: [coordinator.url] })
  await until(() => coordinator.asked > 0)
  await sleep(300)
  coordinator.models = ['new']
  await expect(client.completions.create({ model: 'new', prompt: 'x' })).rejects.toMatchObject({
    status: 503,
  })
  await expect(client.completions.create({ model: 'old', prompt: 'x' })).rejects.toMatchObject({
    status: 404,
  })
  coordinator.stop()
})

test('keeps what it knows while no coordinator answers, and forgets an engine that is not there for long', async () => {
  const coordinator = await StandInCoordinator.start()
  const brief = await StandInEngine.start()
  coordinator.engines = [{ engine: 'brief@left', model: 'brief', url: brief.url }]
  await gateway.stop()
  await startGateway({ coordinators: [coordinator.url] })
  await until(async () => (await known()).some(({ engine }) => engine === 'brief@left'))
  coordinator.ready = false
  const { asked } = coordinator
  await until(() => coordinator.asked > asked + 2)
  expect((await client.completions.create({ model: 'brief', prompt: 'x' })).choices[0]?.text).toBe('hello')
  coordinator.engines = []
  coordinator.ready = true
  await until(async () => (await known()).every(({ engine }) => engine !== 'brief@left'))
  await expect(client.completions.create({ model: 'brief', prompt: 'x' })).rejects.toMatchObject({
    status: 404,
  })
  expect((await complete()).choices[0]?.message.content).toBe('hello')
  brief.kill()
  coordinator.stop()
})

test('says what it must be told when it is told of no engine and of nobody who knows', async () => {
  const profile = gatewayProfileSchema.parse({ http: { port: 0 } })
  await expect(start(profile)).rejects.toThrow('engines and coordinators are empty')
})
