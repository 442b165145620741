import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineStatus, PoolStatus, Scenario } from '@kvasir/contracts'
import { obtainRedis } from '@kvasir/redis-store'
import type { ClusterPlan } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { BenchCluster } from '../bench/cluster/bench-cluster.js'
import { CoordinatorClient } from '../live/coordinator-client.js'

/** How long a running cluster has to list its engines, and how often it is asked, ms. */
const LISTED_WITHIN_MS = 3_000
const LOOK_EVERY_MS = 100

/** Where the live side is played. */
export type TwinTarget =
  /** A cluster of our own, which ends with the run. */
  | { readonly kind: 'private' }
  /** One that runs already, with simulated groups at the speed of the modelled GPUs. */
  | { readonly kind: 'running'; readonly gateway: string; readonly coordinator: string }

/** A cluster that answers. */
export interface TwinCluster {
  readonly gateway: string
  readonly client: CoordinatorClient
  /** Where a pool's group listens; undefined where that is not known. */
  groupAddress(pool: string): string | undefined
  stop(): Promise<void>
}

export interface ClusterOptions {
  readonly scenario: Scenario
  readonly plan: ClusterPlan
  readonly speed: number
  readonly say: (text: string) => void
}

/** @throws {BadInput} when the running cluster is not that of the scenario. @throws {OperationalError} without a Redis. */
export async function openCluster(target: TwinTarget, options: ClusterOptions): Promise<TwinCluster> {
  return target.kind === 'running' ? running(target, options) : start(options)
}

async function start({ scenario, plan, speed, say }: ClusterOptions): Promise<TwinCluster> {
  say(`starting ${plan.engines.length} engines on ${plan.pools.length} groups, on a Redis of their own`)
  const cluster = await BenchCluster.startFile({ scenario, plan }, await obtainRedis(say), speed)
  return {
    gateway: cluster.url('gateway'),
    client: new CoordinatorClient([cluster.url('coordinator')]),
    groupAddress: (pool) => cluster.groupAddress(pool),
    stop: () => cluster.stop(),
  }
}

async function running(
  { gateway, coordinator }: Extract<TwinTarget, { kind: 'running' }>,
  { plan }: ClusterOptions,
): Promise<TwinCluster> {
  const client = new CoordinatorClient([coordinator])
  const engines = await enginesOf(client, plan.engines.length)
  const problems = strangers(plan, await client.pools(), engines)
  if (problems.length > 0)
    throw new BadInput(
      problems.map((problem) => `${coordinator}: ${problem}; it must be the cluster of the scenario`),
    )
  return { gateway, client, groupAddress: () => undefined, stop: () => Promise.resolve() }
}

/** Of a cluster that has just begun coordinators know a little later than the engines themselves. */
async function enginesOf(client: CoordinatorClient, count: number): Promise<readonly EngineStatus[]> {
  const deadline = performance.now() + LISTED_WITHIN_MS
  for (;;) {
    const engines = await client.engines()
    if (engines.length >= count || performance.now() > deadline) return engines
    await sleep(LOOK_EVERY_MS)
  }
}

/** In what a cluster is not that of a plan. */
function strangers(
  plan: ClusterPlan,
  pools: readonly PoolStatus[],
  engines: readonly EngineStatus[],
): readonly string[] {
  return [
    ...plan.pools.flatMap(({ id, bundles }) => {
      const pool = pools.find((candidate) => candidate.pool === id)
      if (pool === undefined) return [`has no pool ${id}`]
      return [
        ...(pool.bundles === bundles ? [] : [`pool ${id} has ${pool.bundles} bundles, not ${bundles}`]),
        ...(pool.policy === plan.policy
          ? []
          : [`pool ${id} is divided by ${pool.policy}, not ${plan.policy}`]),
      ]
    }),
    ...plan.engines.flatMap(({ id, model, pool }) =>
      engines.some((engine) => engine.engine === id && engine.model === model && engine.pool === pool)
        ? []
        : [`has no engine ${id} of ${model} on ${pool}`],
    ),
  ]
}
