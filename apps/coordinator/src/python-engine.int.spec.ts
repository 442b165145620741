import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decisionListSchema, type DecisionRecord, engineListSchema } from '@kvasir/contracts'
import { serveDevice } from '@kvasir/devices'
import { type GrpcServer, listenGrpc, RedisActors } from '@kvasir/platform'
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningCoordinator } from './start.js'
import { ask } from './testing/http.js'
import { obtainPython, PythonEngine, type PythonEnv } from './testing/python-engine.js'
import { TestCluster } from './testing/test-cluster.js'

// Real timers and, for some, real processes, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const WITHIN = { timeout: 60_000, interval: 100 }
const ENGINE = 'chat@python'

const found = await Promise.all([obtainRedis(console.warn), obtainPython()]).catch((error: unknown) => {
  console.warn(`SKIPPED, no engine in Python is run: ${String(error)}`)
  return undefined
})

describe.skipIf(found === undefined)(
  'an engine in Python, on a real Redis and a TP group behind gRPC',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvasir-python-'))
    const stores: RedisActors[] = []
    let env: PythonEnv
    let redis: PrivateRedis
    let cluster: TestCluster
    let group: GrpcServer
    let first: RunningCoordinator
    let second: RunningCoordinator
    let engine: PythonEngine | undefined

    beforeAll(async () => {
      if (!found) return
      const [program, python] = found
      env = python
      redis = await PrivateRedis.start({ program, persistent: false })
      cluster = new TestCluster(() => {
        const actors = new RedisActors(redis.address)
        stores.push(actors)
        return actors
      })
      group = await serveGroup()
      const pools = cluster.pools.map((pool) => ({ ...pool, device: group.address }))
      first = await cluster.coordinator('first', { pools, grpc: { port: 0 } })
      second = await cluster.coordinator('second', { pools, grpc: { socket: join(folder, 'second.sock') } })
      await cluster.engine('code', 'left')
      cluster.keepBusy({ requests: 120, outputTokens: 3_000 })
      const used = async () => (await engines())[0]?.inUseBundles
      await vi.waitFor(async () => expect(await used()).toBeGreaterThan(350), WITHIN)
    }, 120_000)

    afterAll(async () => {
      engine?.kill()
      group?.close()
      await cluster?.stop()
      for (const actors of stores) actors.close()
      await redis?.close()
      rmSync(folder, { recursive: true, force: true })
    }, 60_000)

    function serveGroup(): Promise<GrpcServer> {
      const socket = `unix:${join(folder, 'left.sock')}`
      return listenGrpc(socket, (server) => serveDevice(server, cluster.device('left')))
    }

    async function engines() {
      return engineListSchema.parse((await ask(`${first.url}/v1/engines`)).body).engines
    }

    async function heldBy(name: string): Promise<number> {
      return (await engines()).find((one) => one.engine === name)?.heldBundles ?? 0
    }

    async function spentBy(name: string): Promise<number> {
      return (await engines()).find((one) => one.engine === name)?.spentTokens ?? 0
    }

    async function decisions(): Promise<readonly DecisionRecord[]> {
      const { body } = await ask(`${first.url}/v1/decisions?pool=left&limit=1000`)
      return decisionListSchema.parse(body).decisions
    }

    it('joins, gets budgets, gets memory from an engine under load, outlives its device and its coordinator, and leaves', async () => {
      const addresses = [first, second].flatMap(({ grpc = '' }) => ['--coordinator', grpc])
      const place = ['--pool', 'left', '--engine', ENGINE, '--model', 'chat']
      engine = await PythonEngine.start(env, join(folder, 'generated'), [
        ...addresses,
        ...place,
        '--bundles',
        '150',
        '--priority',
        '5',
      ])
      const python = engine
      const member = () => python.of('document').filter((one) => one['member'] === true)
      await vi.waitFor(() => expect(member().length, python.complaint).toBeGreaterThan(0), WITHIN)

      // Memory: what it asked for was granted, all at once or in parts, and came from the engine that had it.
      const granted = () => python.of('outcome').filter(({ kind }) => String(kind).startsWith('granted'))
      const said = () => JSON.stringify(python.told.filter(({ event }) => event !== 'document'))
      await vi.waitFor(() => expect(granted().length, said()).toBeGreaterThan(0), WITHIN)
      await vi.waitFor(() => expect(python.of('mapped').at(-1)?.['mapped'], said()).toBe(150), WITHIN)
      const ids = granted().map(({ id }) => id)
      const log = await decisions()
      expect(log.filter((record) => record.kind === 'end' && ids.includes(record.id))).not.toEqual([])
      const donors = log.flatMap((record) =>
        record.kind === 'donors' && record.request.engine === ENGINE ? record.answer.donors : [],
      )
      expect(donors.map(([engine]) => engine)).toContain('code@left')
      // What is shown of a pool is a moment old.
      await vi.waitFor(async () => expect(await heldBy('code@left')).toBeLessThanOrEqual(250), WITHIN)

      // Budgets: a right to tokens in every round, and steps run on them.
      expect(Number(member().at(-1)?.['tokens'])).toBeGreaterThan(0)
      await vi.waitFor(async () => {
        const one = (await engines()).find((status) => status.engine === ENGINE)
        expect(one).toMatchObject({ liveness: 'live', inUseBundles: 150 })
        expect(one?.spentTokens).toBeGreaterThan(1_000)
      }, WITHIN)

      // A device that is away ends nothing: the engine says that it is not ready, and goes on when the line is back.
      const count = (event: string) => python.of(event).length
      group.close()
      await vi.waitFor(() => expect(count('not_ready'), said()).toBe(1), WITHIN)
      await vi.waitFor(async () => {
        const one = (await engines()).find((status) => status.engine === ENGINE)
        expect(one).toMatchObject({ liveness: 'live', demandTokens: 0 })
      }, WITHIN)
      group = await serveGroup()
      await vi.waitFor(() => expect(count('ready'), said()).toBe(2), WITHIN)
      expect(count('starts_over'), said()).toBe(0)
      const spent = await spentBy(ENGINE)
      await vi.waitFor(async () => expect(await spentBy(ENGINE)).toBeGreaterThan(spent), WITHIN)

      // A device that has forgotten it has another run of it.
      group.close()
      await vi.waitFor(() => expect(count('not_ready'), said()).toBe(2), WITHIN)
      cluster.forgetEngine('left', ENGINE, Number(python.of('ready').at(-1)?.['incarnation']))
      group = await serveGroup()
      await vi.waitFor(() => expect(count('starts_over'), said()).toBe(1), WITHIN)
      await vi.waitFor(() => expect(count('ready'), said()).toBe(3), WITHIN)
      await vi.waitFor(() => expect(python.of('mapped').at(-1)?.['mapped'], said()).toBe(150), WITHIN)

      // A coordinator that stops is none that the engine needs.
      await first.stop()
      cluster.coordinators.splice(cluster.coordinators.indexOf(first), 1)
      first = second
      await vi.waitFor(() => expect(python.of('coordinator_lost').length).toBeGreaterThan(0), WITHIN)
      const before = member().length
      await vi.waitFor(() => expect(member().length).toBeGreaterThan(before + 3), WITHIN)
      await vi.waitFor(async () => expect(await heldBy(ENGINE)).toBeGreaterThanOrEqual(150), WITHIN)

      expect(await python.leave(), python.complaint).toBe(0)
      expect(python.told.at(-1)?.event).toBe('left')
      await vi.waitFor(async () => {
        expect((await engines()).map((one) => one.engine)).toEqual(['code@left'])
        expect(await heldBy('code@left')).toBeGreaterThan(300)
      }, WITHIN)
    })
  },
)
