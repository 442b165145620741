import { setTimeout as sleep } from 'node:timers/promises'
import { type Check, Checking } from './check.js'
import { checkClients, type Window } from './client-checks.js'
import { ClientLoad } from './client-load.js'
import { checkDecisions } from './decision-checks.js'
import { DecisionCollector } from './decision-collector.js'
import { checkGroups } from './device-checks.js'
import { FaultCluster, type FaultClusterOptions } from './fault-cluster.js'
import { type Fault, scheduleFaults } from './fault-schedule.js'
import type { RankNumbers } from './rank-checks.js'

export interface FaultRunOptions extends FaultClusterOptions {
  readonly seed: number
  /** Of load; starting and calming down come to it. */
  readonly seconds: number
  readonly clients: number
  say(text: string): void
}

/** A fault that was done. */
export interface Struck extends Fault {
  readonly victim: string
}

export interface FaultReport {
  readonly struck: readonly Struck[]
  readonly checks: readonly Check[]
  readonly numbers: FaultNumbers
}

export interface FaultNumbers {
  readonly requests: number
  readonly finished: number
  /** By what clients were told instead of an answer. */
  readonly otherEnds: Readonly<Record<string, number>>
  readonly tokens: number
  readonly decisions: number
  readonly rank: RankNumbers
  /** From the last fault until every model was ready again, ms. */
  readonly healedMs: number
}

/** Longest time until everything runs at first, and until it is well after the last fault, ms. */
const READY_WITHIN_MS = 240_000
const HEAL_WITHIN_MS = 60_000
/** After a decision leases hold at least so long, ms. */
const LEASED_MS = 3_000
/** Engines that gave no token for so long were not there, or had nothing to do, ms. */
const SERVING_MS = 1_000

/** Starts a cluster, loads it, kills parts of it, and checks what must hold whatever fails. */
export async function runFaults(options: FaultRunOptions): Promise<FaultReport> {
  const { seed, seconds, clients, say } = options
  const cluster = await FaultCluster.start(options)
  const collector = new DecisionCollector(cluster.redis.address as { socket: string }, cluster.pools)
  const { gateway, models } = cluster
  const load = new ClientLoad({ gateway, models, seed, clients })
  const down: Window[] = []
  const outages: Window[] = []
  const struck: Struck[] = []
  const calm = new Checking('6', 'every model answers when the last fault is over')
  try {
    if (!(await isWell(cluster, READY_WITHIN_MS)))
      throw new Error('the cluster did not become ready; see its logs')
    say(`${models.length * cluster.pools.length} engines on ${cluster.pools.length} pools are ready`)
    collector.start()
    load.start()
    const begunMs = Date.now()
    const gatewayBack: Promise<void>[] = []
    for (const fault of scheduleFaults(seed, seconds)) {
      await sleep(Math.max(0, begunMs + fault.atMs - Date.now()))
      const fromMs = Date.now()
      const victim = await cluster.strike(fault.kind, fault.pick)
      if (victim === undefined) continue
      struck.push({ ...fault, atMs: fromMs - begunMs, victim })
      say(`${((fromMs - begunMs) / 1000).toFixed(1)} s: killed ${victim}`)
      if (fault.kind === 'redis' || fault.kind === 'redis_emptied') outages.push({ fromMs, toMs: Date.now() })
      if (fault.kind === 'gateway') gatewayBack.push(untilAnswered(gateway, fromMs, down))
    }
    const lastMs = Date.now()
    await sleep(Math.max(0, begunMs + 1_000 * seconds - Date.now()))
    await load.stop()
    await Promise.all(gatewayBack)
    const well = await isWell(cluster, HEAL_WITHIN_MS)
    calm.that(
      well,
      () => `not every engine is ready ${HEAL_WITHIN_MS / 1000} s after the load: ${notReady(cluster)}`,
    )
    const healedMs = Date.now() - lastMs
    for (const model of models) {
      const question = { id: `calm-${model}`, model, prompt: 'after all', maxTokens: 8, priority: 0 }
      const { end } = await load.ask(question)
      calm.that(end.kind === 'finished', () => `${model}: ${JSON.stringify(end)}`)
    }
    await collector.stop()
    cluster.keep('decisions', collector.logs)
    const { histories, stoppedWork } = cluster
    const decided = checkDecisions(collector.logs, stoppedWork)
    const checks = [
      ...decided.checks,
      ...checkGroups(histories),
      ...checkClients(load.records, down),
      servedMeanwhile(load.tokenTimes, collector.readMs, outages, down),
      calm.result,
    ]
    const numbers = { ...numbersOf(load, collector), rank: decided.rank, healedMs }
    return { struck, checks, numbers }
  } finally {
    await cluster.stop()
  }
}

/** Whether every engine of every model is ready, before the time is over. */
async function isWell({ gateway, models, pools }: FaultCluster, withinMs: number): Promise<boolean> {
  const giveUp = Date.now() + withinMs
  while (Date.now() < giveUp) {
    const engines = await readyEngines(gateway)
    if (engines === models.length * pools.length) return true
    await sleep(250)
  }
  return false
}

async function readyEngines(gateway: string): Promise<number> {
  try {
    const response = await fetch(`${gateway}/ready`, { signal: AbortSignal.timeout(5_000) })
    const body = (await response.json()) as { readonly engines?: readonly { readonly ready: boolean }[] }
    return (body.engines ?? []).filter(({ ready }) => ready).length
  } catch {
    return 0
  }
}

function notReady({ records }: FaultCluster): string {
  return records
    .filter(({ state }) => state !== 'running')
    .map(({ name, state }) => `${name} is ${state}`)
    .join(', ')
}

/** Notes for how long the gateway answered nobody. */
async function untilAnswered(gateway: string, fromMs: number, down: Window[]): Promise<void> {
  while ((await readyEngines(gateway)) === 0) await sleep(50)
  // Its engines must be asked first.
  down.push({ fromMs, toMs: Date.now() + 1_000 })
}

/**
 * Law 8: tokens come while Redis is away, if there is a gateway, if engines were serving, and if there are leases: somebody must have owned
 * pools until then. The first half second may be of what was on its way.
 */
function servedMeanwhile(
  tokenTimes: readonly number[],
  decidedMs: readonly number[],
  outages: readonly Window[],
  down: readonly Window[],
): Check {
  const served = new Checking('8', 'engines go on within their leases while the store is away')
  for (const { fromMs, toMs } of outages) {
    if (down.some((window) => window.fromMs < toMs && window.toMs > fromMs)) continue
    const within = (times: readonly number[], ms: number) =>
      times.some((atMs) => atMs > fromMs - ms && atMs <= fromMs)
    if (!within(decidedMs, LEASED_MS) || !within(tokenTimes, SERVING_MS)) continue
    const tokens = tokenTimes.filter((atMs) => atMs > fromMs + 500 && atMs < toMs).length
    served.that(
      tokens > 0,
      () => `no token between ${new Date(fromMs).toISOString()} and ${new Date(toMs).toISOString()}`,
    )
  }
  return served.result
}

function numbersOf(load: ClientLoad, collector: DecisionCollector): Omit<FaultNumbers, 'rank' | 'healedMs'> {
  const otherEnds: Record<string, number> = {}
  for (const { end, text } of load.records) {
    if (end.kind === 'finished') continue
    const what = end.kind === 'refused' || end.kind === 'ended' ? `${end.kind} ${end.code}` : end.kind
    const name = `${what}, ${text === '' ? 'before' : 'after'} its first token`
    otherEnds[name] = (otherEnds[name] ?? 0) + 1
  }
  return {
    requests: load.records.length,
    finished: load.records.filter(({ end }) => end.kind === 'finished').length,
    otherEnds,
    tokens: load.tokenTimes.length,
    decisions: [...collector.logs.values()].reduce((sum, lines) => sum + lines.length, 0),
  }
}
