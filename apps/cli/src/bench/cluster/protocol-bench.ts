import { setTimeout as sleep } from 'node:timers/promises'
import { coordinatorProfileSchema, type PoolSettingsInput, type StoreAddress } from '@kvasir/contracts'
import { type ActorStores, RedisActors } from '@kvasir/platform'
import { BenchPeer } from './bench-peer.js'
import { CoordinatorProcess } from './coordinator-process.js'
import { timed, type Times, timesOf } from './times.js'

const MODEL = 'bench'
const ARCHITECTURE = 'Llama-3.1-8B'
/** Tokens a round, more than a pool has for one of a hundred. */
const WANTED = 100_000
/** Of each pool. */
const BUNDLES = 10_000

interface PoolsOptions {
  readonly store: StoreAddress
  readonly pools: number
  readonly peersPerPool: number
  readonly settings?: PoolSettingsInput
}

/** Pools with their owner in another process, and peers of theirs in this one. */
class BenchPools {
  readonly peers: readonly BenchPeer[]
  readonly coordinator: CoordinatorProcess
  readonly #stores: ActorStores

  private constructor(stores: ActorStores, coordinator: CoordinatorProcess, peers: readonly BenchPeer[]) {
    this.#stores = stores
    this.coordinator = coordinator
    this.peers = peers
  }

  static async start({ store, pools: count, peersPerPool, settings }: PoolsOptions): Promise<BenchPools> {
    // Names of their own for each bench: a pool that is gone must not be taken for this one.
    const name = `b${Date.now().toString(36)}`
    const pools = Array.from({ length: count }, (_, i) => ({
      id: `${name}-${i}`,
      gpu: 'H100',
      tp: 1,
      pagesPerBundle: 4,
      bundles: BUNDLES,
      device: 'unix:in-this-process',
    }))
    const coordinator = await CoordinatorProcess.start(
      coordinatorProfileSchema.parse({
        coordinator: `${name}-coordinator`,
        pools,
        models: [
          { name: MODEL, architecture: ARCHITECTURE, pools: pools.map(({ id }) => id) },
          // May never have more than a hundredth: what it asks beyond that is denied.
          { name: 'limited', architecture: ARCHITECTURE, limit: 0.01, pools: pools.map(({ id }) => id) },
        ],
        settings: { ...settings },
        clusterShares: false,
        store,
        http: { port: 0 },
        log: 'error',
      }),
    )
    const stores = new RedisActors(store)
    const peers = pools.flatMap(({ id }) =>
      Array.from({ length: peersPerPool }, (_, k) => new BenchPeer(stores.actor(id), `e${k}@${id}`, MODEL)),
    )
    for (let i = 0; i < peers.length; i += 50)
      await Promise.all(peers.slice(i, i + 50).map((peer) => peer.start()))
    return new BenchPools(stores, coordinator, peers)
  }

  /** One more, of the model that may have a hundredth of the pool. */
  async limited(): Promise<BenchPeer> {
    const [first] = this.peers
    const pool = first.document?.engine.split('@')[1] ?? ''
    const peer = new BenchPeer(this.#stores.actor(pool), `limited@${pool}`, 'limited')
    await peer.start()
    return peer
  }

  async stop(): Promise<void> {
    for (const peer of this.peers) peer.stop()
    await this.coordinator.stop()
    this.#stores.close()
  }
}

export interface RequestTimes {
  readonly free: Times
  readonly donor: Times
  readonly denied: Times
}

/** From a request for memory to the document that ends it: from what is free, from what another engine has to give, and refused. */
export async function requestBench(store: StoreAddress, count: number): Promise<RequestTimes> {
  const free = await withPools(
    { store, pools: 1, peersPerPool: 2, settings: { reserveShare: 0.9 } },
    ({ peers }) => requestTimes(peers[0], 'granted', count),
  )
  const settings = { reserveShare: 0, cooldownUs: 0 }
  const donor = await withPools(
    { store, pools: 1, peersPerPool: 2, settings },
    async ({ peers: [asking, donor] }) => {
      // Everything is lent to the donor, which uses none of it.
      donor.needs({ tokens: 100, bundles: BUNDLES, inUse: 0 })
      await donor.until(({ leaseBundles }) => leaseBundles >= 0.9 * BUNDLES)
      return requestTimes(asking, 'granted', count)
    },
  )
  const denied = await withPools({ store, pools: 1, peersPerPool: 1 }, async (pools) => {
    const limited = await pools.limited()
    const times = await requestTimes(limited, 'denied', count, BUNDLES)
    limited.stop()
    return times
  })
  return { free, donor, denied }
}

async function requestTimes(
  peer: BenchPeer,
  expected: 'granted' | 'denied',
  count: number,
  bundles = 2,
): Promise<Times> {
  const times: number[] = []
  for (let i = 0; i < count + 50; i++) {
    const ms = await timed(async () => {
      const { kind } = await peer.request(bundles)
      if (kind !== expected) throw new Error(`request ${i} was ${kind}; the bench needs it ${expected}`)
    })
    if (i >= 50) times.push(ms)
  }
  return timesOf(times)
}

export interface DecisionRate {
  readonly pools: number
  readonly perSecond: number
  /** Of the coordinator's process alone: what it could do with a core of its own. */
  readonly cpuUsEach: number
}

/** Requests ended a second, with more of them under way than the owner takes at once. */
export async function decisionRate(
  store: StoreAddress,
  pools: number,
  seconds: number,
): Promise<DecisionRate> {
  const peersPerPool = 8
  const underWay = 16
  return withPools(
    { store, pools, peersPerPool, settings: { reserveShare: 0.9 } },
    async ({ peers, coordinator }) => {
      let ended = 0
      let stopped = false
      const keepAsking = async (peer: BenchPeer): Promise<void> => {
        while (!stopped) {
          await peer.request(1)
          ended++
        }
      }
      const asking = peers.flatMap((peer) => Array.from({ length: underWay }, () => keepAsking(peer)))
      await sleep(500)
      const cpuUs = await coordinator.cpuUs()
      const before = ended
      const started = performance.now()
      await sleep(seconds * 1_000)
      const elapsedS = (performance.now() - started) / 1_000
      const count = ended - before
      const usedUs = (await coordinator.cpuUs()) - cpuUs
      stopped = true
      await Promise.race([Promise.all(asking), sleep(2_000)])
      return { pools, perSecond: count / elapsedS, cpuUsEach: usedUs / count }
    },
  )
}

export interface BudgetTimes {
  readonly engines: number
  readonly pools: number
  /** To each engine. */
  readonly each: Times
  /** Until the last one had it. */
  readonly last: Times
}

/** Of a bench's rounds, those before the code is warm. Even: every second round takes back what the one before it changed. */
const WARM_UP_ROUNDS = 16
/** Fractions that are carried move a budget by one token from round to round, whatever changes. */
const CARRIED = 2

/**
 * From a change of demand in every pool at once to the new budget in the hands of each engine, with the settings that pools have by default.
 * An engine has it when its budget has moved by more than rounds move it by themselves.
 */
export async function budgetBench(
  store: StoreAddress,
  pools: number,
  engines: number,
  rounds: number,
): Promise<BudgetTimes> {
  const peersPerPool = engines / pools
  return withPools({ store, pools, peersPerPool }, async ({ peers }) => {
    const each: number[] = []
    const last: number[] = []
    // Everybody wants more than there is: when one wants nothing, all others get more.
    for (const peer of peers) peer.needs({ tokens: WANTED, bundles: 4, inUse: 0 })
    await sleep(1_500)
    for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
      // Everywhere on the grid on which rounds begin by themselves: replans keep a quarter of a round from them, and that is part of the time.
      await sleep(400 + 37 * (round % 7))
      const budgets = peers.map(({ document }) => document?.budget.tokens ?? 0)
      const started = performance.now()
      for (let k = 0; k < pools; k++)
        peers[k * peersPerPool].needs({ tokens: round % 2 === 0 ? 0 : WANTED, bundles: 4, inUse: 0 })
      await Promise.all(
        peers.map((peer, i) => peer.until(({ budget }) => Math.abs(budget.tokens - budgets[i]) > CARRIED)),
      )
      if (round < WARM_UP_ROUNDS) continue
      for (const { heardMs } of peers) each.push(heardMs - started)
      last.push(performance.now() - started)
    }
    return { engines, pools, each: timesOf(each), last: timesOf(last) }
  })
}

async function withPools<T>(options: PoolsOptions, use: (pools: BenchPools) => Promise<T>): Promise<T> {
  const pools = await BenchPools.start(options)
  try {
    return await use(pools)
  } finally {
    await pools.stop()
  }
}
