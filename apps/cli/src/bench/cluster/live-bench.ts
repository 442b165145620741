import { setTimeout as sleep } from 'node:timers/promises'
import { createStepCost, hostPresets, knownGpu, knownModel } from '@kvasir/hardware'
import type { RedisProgram } from '@kvasir/redis-store'
import { BenchCluster } from './bench-cluster.js'
import { FirstTokenClient } from './first-token-client.js'
import { type Times, timesOf } from './times.js'

export interface IdleCpu {
  readonly seconds: number
  /** Shares of one core, by kind of process, all processes of a kind together. */
  readonly byKind: Readonly<Record<string, number>>
  readonly total: number
  readonly processes: number
}

export interface FirstTokenTimes {
  readonly promptTokens: number
  /** What the step-time model says of the step that computes the prompt, ms. */
  readonly modelMs: number
  /** At a client that takes no time itself, over what the model says; at the engine itself and through the gateway. */
  readonly engine: Times
  readonly gateway: Times
}

export interface LiveTimes {
  readonly idle: IdleCpu
  readonly firstToken: FirstTokenTimes
}

/** A cluster as people start it: what it costs when nobody asks, and how much the way to the first token adds to the model's own time. */
export async function liveBench(
  program: RedisProgram,
  { idleSeconds, requests }: { readonly idleSeconds: number; readonly requests: number },
): Promise<LiveTimes> {
  const cluster = await BenchCluster.start('three-models', program)
  try {
    await sleep(3_000)
    const idle = await idleCpu(cluster, idleSeconds)
    return { idle, firstToken: await firstTokens(cluster, requests) }
  } finally {
    await cluster.stop()
  }
}

async function idleCpu(cluster: BenchCluster, seconds: number): Promise<IdleCpu> {
  const before = cluster.cpu()
  const started = performance.now()
  await sleep(seconds * 1_000)
  const elapsedUs = (performance.now() - started) * 1_000
  const after = cluster.cpu()
  const shares = [...after].map(([kind, us]) => [kind, (us - (before.get(kind) ?? 0)) / elapsedUs] as const)
  return {
    seconds,
    byKind: Object.fromEntries(shares),
    total: shares.reduce((sum, [, share]) => sum + share, 0),
    processes: cluster.file.plan.pools.length + cluster.file.plan.engines.length + 3,
  }
}

/** Requests until all code on their way is compiled: the first ones take twice as long. */
const WARM_UP = 600

/** The small model's, which is the hardest to keep up with; each prompt is another one, so that nothing of it is known. */
async function firstTokens(cluster: BenchCluster, requests: number): Promise<FirstTokenTimes> {
  const [model] = cluster.file.plan.models
  const [pool] = cluster.file.plan.pools
  const promptTokens = 64
  const host = hostPresets['vllm-async']
  const cost = createStepCost({
    gpu: knownGpu(pool.gpu),
    model: knownModel(model.architecture),
    tp: pool.tp,
    host,
  })
  const modelMs =
    cost.stepUs({
      sequences: 1,
      totalTokens: promptTokens,
      decodeSequences: 0,
      decodeContextTokens: 0,
      prefillTokens: promptTokens,
      prefillContextTokens: promptTokens,
      prefillPairs: (promptTokens * (promptTokens + 1)) / 2,
    }) / 1_000
  const at = async (url: string, name: string): Promise<Times> => {
    const client = new FirstTokenClient(url)
    try {
      const times: number[] = []
      for (let i = 0; i < WARM_UP + requests; i++) {
        const prompt = `${name}-${i} `.padEnd(4 * promptTokens, 'lorem ipsum dolor sit amet ')
        const ms = await client.stream({ model: model.name, prompt, max_tokens: 2, stream: true })
        if (i >= WARM_UP) times.push(ms - modelMs)
      }
      return timesOf(times)
    } finally {
      client.close()
    }
  }
  // Engines are listed model by model: the first one serves the first model.
  return {
    promptTokens,
    modelMs,
    engine: await at(cluster.url('engine'), 'e'),
    gateway: await at(cluster.url('gateway'), 'g'),
  }
}
