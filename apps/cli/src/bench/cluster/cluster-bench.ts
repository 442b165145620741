import { Connection, obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { ClusterTrouble } from '../../live/cluster-trouble.js'
import { type LoopTimes, loopBench } from './engine-bench.js'
import { liveBench, type LiveTimes } from './live-bench.js'
import {
  type BudgetTimes,
  budgetBench,
  type DecisionRate,
  decisionRate,
  requestBench,
  type RequestTimes,
} from './protocol-bench.js'
import { timed, type Times, timesOf } from './times.js'

/** How much of everything is measured. */
export interface ClusterBenchSize {
  readonly pings: number
  readonly requests: number
  readonly rateSeconds: number
  readonly rounds: number
  readonly steps: number
  readonly idleSeconds: number
  readonly completions: number
}

export const fullSize: ClusterBenchSize = {
  pings: 5_000,
  requests: 1_000,
  rateSeconds: 5,
  rounds: 40,
  steps: 5_000,
  idleSeconds: 20,
  completions: 200,
}

export interface ClusterBenchResult {
  /** Round trips of PING on the same Redis, one after another: what everything else is a multiple of. */
  readonly ping: Times
  readonly requests: RequestTimes
  readonly rates: readonly DecisionRate[]
  readonly budgets: readonly BudgetTimes[]
  readonly loop: LoopTimes
  readonly live: LiveTimes
}

export type Progress = (what: string) => void

/**
 * Measures the live cluster on this machine: a private Redis, the coordinator in a process of its own, peers in this one.
 * @throws {ClusterTrouble} when there is no redis-server, and none can be had.
 */
export async function clusterBench(size: ClusterBenchSize, progress: Progress): Promise<ClusterBenchResult> {
  const program = await obtainRedis(progress).catch((error: unknown) => {
    throw new ClusterTrouble(
      `the bench needs a redis-server: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  progress('engine loop')
  const loop = await loopBench(size.steps)
  const redis = await PrivateRedis.start({ program, persistent: true })
  try {
    const store = { socket: redis.address.socket ?? '' }
    progress('PING')
    const ping = await pingTimes(redis, size.pings)
    progress('requests for memory')
    const requests = await requestBench(store, size.requests)
    const rates: DecisionRate[] = []
    for (const pools of [1, 2, 4]) {
      progress(`decisions a second, pools: ${pools}`)
      rates.push(await decisionRate(store, pools, size.rateSeconds))
    }
    const budgets: BudgetTimes[] = []
    for (const [pools, engines] of [
      [1, 100],
      [100, 1_000],
    ]) {
      progress(`budgets to ${engines} engines`)
      budgets.push(await budgetBench(store, pools, engines, size.rounds))
    }
    progress('a cluster of three models')
    const live = await liveBench(program, { idleSeconds: size.idleSeconds, requests: size.completions })
    return { ping, requests, rates, budgets, loop, live }
  } finally {
    await redis.close()
  }
}

async function pingTimes(redis: PrivateRedis, count: number): Promise<Times> {
  const connection = new Connection(redis.address)
  try {
    await connection.ready()
    const times: number[] = []
    for (let i = 0; i < count + 500; i++) {
      const ms = await timed(() => connection.run((client) => client.ping()))
      if (i >= 500) times.push(ms)
    }
    return timesOf(times)
  } finally {
    connection.close()
  }
}
