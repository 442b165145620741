import {
  budgetListSchema,
  decisionListSchema,
  engineListSchema,
  modelListSchema,
  modelStatusSchema,
  poolListSchema,
  whatIfAnswerSchema,
} from '@kvasir/contracts'
import { credentials, type ServiceError, status } from '@grpc/grpc-js'
import { CoordinatorServiceClient, type ListModelsResponse, type PatchModelResponse } from '@kvasir/wire'
import { once } from 'node:events'
import { MemoryActors } from '@kvasir/platform'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask, eventsOf } from './testing/http.js'
import { TestCluster } from './testing/test-cluster.js'
import type { RunningCoordinator } from './start.js'

// Real timers and, for some, real processes, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const stores = new MemoryActors()
const cluster = new TestCluster(() => stores)
let first: RunningCoordinator
let second: RunningCoordinator

beforeAll(async () => {
  first = await cluster.coordinator('first')
  second = await cluster.coordinator('second', { grpc: { port: 0 } })
  for (const pool of ['left', 'right'])
    for (const model of ['chat', 'code']) await cluster.engine(model, pool)
  cluster.keepBusy()
  await vi.waitFor(async () => expect(await statusOf(`${first.url}/ready`)).toBe(200), 40_000)
  await vi.waitFor(async () => expect(await engines()).toHaveLength(4), 40_000)
}, 60_000)

afterAll(() => cluster.stop())

function promised<T>(call: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, answer) => (error ? reject(error) : resolve(answer)))
  })
}

async function statusOf(url: string): Promise<number> {
  return (await ask(url)).status
}

async function engines(at = first) {
  return engineListSchema.parse((await ask(`${at.url}/v1/engines`)).body).engines
}

async function model(name: string, at = first) {
  return modelStatusSchema.parse((await ask(`${at.url}/v1/models/${name}`)).body)
}

async function tokensOf(name: string, at = first): Promise<number> {
  const { budgets } = budgetListSchema.parse((await ask(`${at.url}/v1/budgets`)).body)
  return budgets.filter((budget) => budget.model === name).reduce((sum, { tokens }) => sum + tokens, 0)
}

describe('a coordinator', () => {
  it('answers for every pool, whoever owns it', async () => {
    for (const at of [first, second]) {
      const { pools } = poolListSchema.parse((await ask(`${at.url}/v1/pools`)).body)
      expect(pools.map(({ pool }) => pool)).toEqual(['left', 'right'])
      for (const { owner, epoch } of pools) {
        expect(['first', 'second']).toContain(owner)
        expect(epoch).toBeGreaterThan(0)
      }
      expect((await engines(at)).map(({ engine }) => engine)).toEqual([
        'chat@left',
        'code@left',
        'chat@right',
        'code@right',
      ])
    }
    const offices = [...first.offices.held, ...second.offices.held].map(({ actor }) => actor)
    expect(offices.sort()).toEqual(['cluster', 'left', 'right'])
  })

  it('lists registered models with their terms and engines', async () => {
    const { models } = modelListSchema.parse((await ask(`${second.url}/v1/models`)).body)
    expect(models.map(({ name }) => name)).toEqual(['chat', 'code'])
    expect(models[0]).toMatchObject({ weight: 1, revision: 0, engines: ['chat@left', 'chat@right'] })
  })

  it('a changed weight is durable when it is answered, and divides the next rounds, whichever coordinator was told', async () => {
    await expect
      .poll(async () => (await tokensOf('chat')) / (await tokensOf('code')), { timeout: 40_000 })
      .toBeLessThan(1.2)
    const { revision } = await model('chat')
    const answer = await ask(`${second.url}/v1/models/chat`, {
      method: 'PATCH',
      body: { weight: 4 },
      headers: { 'if-match': `"${revision}"` },
    })
    expect(answer).toMatchObject({ status: 200, body: { weight: 4, revision: revision + 1 } })
    expect(await model('chat')).toMatchObject({ weight: 4, revision: revision + 1 })
    await expect
      .poll(async () => (await tokensOf('chat')) / (await tokensOf('code')), { timeout: 40_000 })
      .toBeGreaterThan(2.5)
  })

  it('a change that was made on an older revision is refused, and changes nothing', async () => {
    const before = await model('chat')
    const answer = await ask(`${first.url}/v1/models/chat`, {
      method: 'PATCH',
      body: { weight: 9 },
      headers: { 'if-match': `"${before.revision - 1}"` },
    })
    expect(answer).toMatchObject({
      status: 409,
      body: { error: { code: 'stale_revision', revision: before.revision } },
    })
    expect(await model('chat')).toEqual(before)
  })

  it('a changed priority reaches its engines, for requests that do not say their own', async () => {
    const { revision } = await model('chat')
    const body = { priority: 3 }
    const headers = { 'if-match': `"${revision}"` }
    expect((await ask(`${first.url}/v1/models/chat`, { method: 'PATCH', body, headers })).status).toBe(200)
    const told = () => cluster.engines.map(({ machine }) => machine.lease.requestPriority)
    await expect.poll(told, { timeout: 40_000 }).toEqual([3, 0, 3, 0])
  })

  it('of changes made on one revision at once, one is accepted', async () => {
    const { revision } = await model('code')
    const answers = await Promise.all(
      [first, second, first, second].map((at, i) =>
        ask(`${at.url}/v1/models/code`, {
          method: 'PATCH',
          body: { priority: i + 1 },
          headers: { 'if-match': String(revision) },
        }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
    expect((await model('code')).revision).toBe(revision + 1)
  })

  it('registers a model, whose engines join then, drains it and deregisters it', async () => {
    const put = (body: object) => ask(`${first.url}/v1/models/search`, { method: 'PUT', body })
    expect(await put({ architecture: 'Llama-3.1-8B', weight: 2 })).toMatchObject({
      status: 201,
      body: { name: 'search', weight: 2, revision: 1, engines: [] },
    })
    const engine = await cluster.engine('search', 'left')
    await expect
      .poll(async () => (await model('search')).engines, { timeout: 40_000 })
      .toEqual(['search@left'])
    expect(await put({ weight: 3 })).toMatchObject({ status: 200, body: { weight: 3, revision: 2 } })
    const remove = () => ask(`${second.url}/v1/models/search`, { method: 'DELETE' })
    expect(await remove()).toMatchObject({ status: 409, body: { error: { code: 'in_use' } } })
    await ask(`${second.url}/v1/models/search`, { method: 'PATCH', body: { draining: true } })
    await engine.stop()
    await expect.poll(async () => (await model('search')).engines, { timeout: 40_000 }).toEqual([])
    expect((await remove()).status).toBe(204)
    expect((await ask(`${first.url}/v1/models/search`)).status).toBe(404)
  })

  it('refuses bad input, naming the field, its value and what would be right', async () => {
    const refused = async (path: string, method: string, body: unknown) => {
      const answer = await ask(`${first.url}${path}`, { method, body })
      expect(answer.status).toBe(400)
      return JSON.stringify(answer.body)
    }
    expect(await refused('/v1/models/chat', 'PATCH', { weight: 0 })).toMatch(/weight is 0/)
    expect(await refused('/v1/models/chat', 'PATCH', { wieght: 1 })).toMatch(/wieght is not a known field/)
    expect(await refused('/v1/models/x', 'PUT', { guarantee: 0.5, limit: 0.2 })).toMatch(/guarantee is 0.5/)
    expect(await refused('/v1/models/x', 'PUT', { architecture: 'Lama' })).toMatch(
      /architecture is \\"Lama\\"/,
    )
    expect(await refused('/v1/policy', 'PUT', { policy: 'best' })).toMatch(/policy is/)
    const decisions = await ask(`${first.url}/v1/decisions?limit=none`)
    expect(decisions).toMatchObject({ status: 400 })
    expect((await ask(`${first.url}/v1/models/x`)).status).toBe(404)
    expect((await ask(`${first.url}/v1/nothing`)).status).toBe(404)
  })

  it('tells the newest decisions, and explains a budget', async () => {
    const { body } = await ask(`${second.url}/v1/decisions?pool=left&limit=20`)
    const { decisions } = decisionListSchema.parse(body)
    expect(decisions).toHaveLength(20)
    const explained = await ask(`${second.url}/v1/explain?engine=chat%40left`)
    expect(explained).toMatchObject({
      status: 200,
      body: { budgets: [{ engine: 'chat@left', pool: 'left' }] },
    })
    expect((await ask(`${second.url}/v1/explain?engine=nobody`)).status).toBe(404)
    expect((await ask(`${second.url}/v1/explain/chat%40left%2F1%2F999999`)).status).toBe(404)
  })

  it('takes the newest rounds again with other terms, and changes nothing', async () => {
    const before = await model('chat')
    const body = { models: { code: { limit: 0.01 } } }
    const imagined = async () => {
      const { status, body: answer } = await ask(`${second.url}/v1/what-if`, { method: 'POST', body })
      expect(status).toBe(200)
      return whatIfAnswerSchema.parse(answer).rounds
    }
    // On a busy machine engines may not be heard for a round: then there is nothing to take from them.
    await vi.waitFor(async () => {
      const rounds = await imagined()
      expect(rounds.map(({ pool }) => pool)).toEqual(['left', 'right'])
      for (const { engines } of rounds) {
        const code = engines.find((engine) => engine.model === 'code')
        expect(code?.after.tokens).toBeLessThan(code?.before.tokens ?? 0)
      }
    }, 40_000)
    expect(await model('chat')).toEqual(before)
    const unknown = { models: { nobody: { weight: 2 } } }
    expect(await ask(`${second.url}/v1/what-if`, { method: 'POST', body: unknown })).toMatchObject({
      status: 404,
    })
  })

  it('takes another policy and observes only, in all pools', async () => {
    expect((await ask(`${first.url}/v1/policy`)).body).toMatchObject({ policy: 'weighted-max-min' })
    const put = await ask(`${first.url}/v1/policy`, { method: 'PUT', body: { policy: 'proportional' } })
    expect(put).toMatchObject({ status: 200, body: { policy: 'proportional' } })
    await ask(`${first.url}/v1/observe`, { method: 'PUT', body: { on: true } })
    const pools = async () => poolListSchema.parse((await ask(`${second.url}/v1/pools`)).body).pools
    await expect
      .poll(async () => (await pools()).map(({ policy, observeOnly }) => [policy, observeOnly]), {
        timeout: 40_000,
      })
      .toEqual([
        ['proportional', true],
        ['proportional', true],
      ])
    await ask(`${second.url}/v1/observe`, { method: 'PUT', body: { on: false } })
  })

  it('tells watchers of pools and decisions as they come', async () => {
    const events = await eventsOf(`${first.url}/v1/watch`, 40)
    expect(new Set(events)).toEqual(new Set(['pool', 'decision']))
  })

  it('has an OpenAPI document of all its routes', async () => {
    const { body } = await ask(`${first.url}/openapi.json`)
    expect(body).toMatchObject({ openapi: '3.1.0' })
    const paths = Object.keys((body as { paths: object }).paths)
    for (const path of ['/v1/models', '/v1/models/{name}', '/v1/engines', '/v1/pools', '/v1/budgets'])
      expect(paths).toContain(path)
  })

  it('answers the same over gRPC, and refuses with a code', async () => {
    const client = new CoordinatorServiceClient(second.grpc ?? '', credentials.createInsecure())
    const { models } = await promised<ListModelsResponse>((done) => client.listModels({}, done))
    expect(models.map(({ name }) => name)).toEqual(['chat', 'code'])
    const { revision } = await model('code')
    const patched = await promised<PatchModelResponse>((done) =>
      client.patchModel({ name: 'code', weight: 2, revision }, done),
    )
    expect(patched.model).toMatchObject({ name: 'code', revision: revision + 1, terms: { weight: 2 } })
    const stale = promised((done) => client.patchModel({ name: 'code', weight: 3, revision }, done))
    await expect(stale).rejects.toMatchObject({ code: status.ABORTED })
    const bad = promised((done) => client.patchModel({ name: 'code', weight: 0 }, done))
    await expect(bad).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/weight is 0/),
    })
    const events = client.watch({})
    const [first] = (await once(events, 'data')) as [{ event: { $case: string } }]
    expect(first.event.$case).toBe('pool')
    events.on('error', () => {})
    events.cancel()
    client.close()
  })

  it('goes on when a coordinator has stopped: another one has its pools within a second', async () => {
    await first.stop()
    cluster.coordinators.splice(0, 1)
    await expect
      .poll(() => second.offices.held.map(({ actor }) => actor).sort(), { timeout: 40_000 })
      .toEqual(['cluster', 'left', 'right'])
    const rounds = async () =>
      budgetListSchema.parse((await ask(`${second.url}/v1/budgets`)).body).budgets.map(({ round }) => round)
    const before = await rounds()
    // Each pool counts for itself: one that had more owners has higher numbers.
    await expect
      .poll(async () => (await rounds()).every((round, i) => round > before[i]), { timeout: 40_000 })
      .toBe(true)
  })
})
