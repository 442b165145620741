import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  type WriteStream,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseScenario, type Scenario } from '@kvasir/contracts'
import { compareIds } from '@kvasir/kernel'
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { type ClusterPlan, planCluster } from '@kvasir/simulation'
import { chooseAddresses, processNames } from '../addresses.js'
import { ClusterTrouble } from '../cluster-trouble.js'
import { type Part, partsOf, urlOf } from '../profiles.js'
import type { ProcessRecord } from '../state-folder.js'
import { Supervised } from '../supervise/supervised.js'
import type { GroupHistory } from './device-checks.js'
import type { FaultKind } from './fault-schedule.js'
import { type StoppedWork, stoppedWorkIn } from './rank-checks.js'

/** From src/live/faults and from dist/live/faults alike. */
const appsFolder = fileURLToPath(new URL('../../../../', import.meta.url))

export interface FaultClusterOptions {
  readonly folder: string
  readonly pools: number
  /** Engines on each pool, each of a model of its own. */
  readonly models: number
  readonly coordinators: number
  readonly enginesPerProcess: number
  /** Below 1, groups are slower than the GPUs they stand for, and the machine keeps up. */
  readonly speedUp: number
}

/** A process of the cluster as it is started. */
interface Program {
  readonly name: string
  readonly kind: Part['kind']
  readonly app: string
  readonly url: string
  readonly profile: unknown
}

interface Described {
  readonly scenario: Scenario
  readonly plan: ClusterPlan
}

const apps: Readonly<Record<Part['kind'], string>> = {
  group: 'tp-group',
  coordinator: 'coordinator',
  engine: 'engine',
  gateway: 'gateway',
}
/**
 * Bundles of each pool, of 128 tokens each: requests of up to a thousand tokens meet in them, so that engines must ask for memory and get it
 * from each other.
 */
const BUNDLES = 24
/** How long the gateway lets a request wait for an engine of its model, ms. */
const PATIENCE_MS = 30_000
/** Longest and shortest time that a killed Redis is away, ms. */
const REDIS_AWAY_MS = { least: 1_500, most: 3_500 }

/** Real processes on a private Redis, started again when they end, and ways to kill them. */
export class FaultCluster {
  readonly pools: readonly string[]
  readonly models: readonly string[]
  readonly gateway: string
  readonly redis: PrivateRedis
  readonly #folder: string
  readonly #processes: readonly Supervised[]
  readonly #logs: readonly WriteStream[]

  private constructor(
    { folder, pools, models }: FaultClusterOptions,
    programs: readonly Program[],
    redis: PrivateRedis,
  ) {
    this.#folder = folder
    this.redis = redis
    this.pools = poolNames(pools)
    this.models = modelNames(models)
    this.gateway = programs.find(({ kind }) => kind === 'gateway')?.url ?? ''
    this.#logs = programs.map(({ name }) => createWriteStream(this.#logOf(name), { flags: 'a' }))
    this.#processes = programs.map(({ name, kind, app, url, profile }, i) => {
      const path = join(folder, 'profiles', `${name}.json`)
      writeFileSync(path, JSON.stringify(profile))
      return new Supervised({
        name,
        kind,
        url,
        args: ['--enable-source-maps', programOf(app), '--profile', path],
        line: (text) => this.#logs[i].write(`${new Date().toISOString()} ${text}\n`),
        changed: () => undefined,
        refused: () => this.#logs[i].write('its profile is refused\n'),
      })
    })
  }

  /** Starts everything, one process after the other: a machine of two cores is busy with each. */
  static async start(options: FaultClusterOptions): Promise<FaultCluster> {
    const { folder } = options
    const described = clusterPlanOf(options)
    for (const name of ['logs', 'profiles', 'redis']) mkdirSync(join(folder, name), { recursive: true })
    const redis = await PrivateRedis.start({
      program: await obtainRedis(() => undefined),
      persistent: true,
      folder: join(folder, 'redis'),
    })
    const cluster = new FaultCluster(
      options,
      await programsOf(options, described, redis.address.socket ?? ''),
      redis,
    )
    for (const process of cluster.#processes) {
      process.start()
      await sleep(300)
    }
    return cluster
  }

  get records(): readonly ProcessRecord[] {
    return this.#processes.map(({ record }) => record)
  }

  /** Kills what the fault names. Answers who it was; undefined when none of its kind runs at present. */
  async strike(kind: FaultKind, pick: number): Promise<string | undefined> {
    if (kind === 'redis' || kind === 'redis_emptied') {
      await this.#strikeRedis(kind, pick)
      return kind === 'redis' ? 'redis' : 'redis and its data'
    }
    const running = this.records.filter((record) => record.kind === kind && record.pid !== undefined)
    const victim = running[pick % Math.max(1, running.length)]
    if (victim?.pid === undefined) return undefined
    process.kill(victim.pid, 'SIGKILL')
    return victim.name
  }

  get histories(): readonly GroupHistory[] {
    return this.pools.map((pool) => ({
      pool,
      text: readFileSync(join(this.#folder, `${pool}.history`), 'utf8'),
    }))
  }

  /** What engines stopped for each other until now. */
  get stoppedWork(): readonly StoppedWork[] {
    return this.#processes
      .filter(({ kind }) => kind === 'engine')
      .flatMap(({ record }) => stoppedWorkIn(readFileSync(this.#logOf(record.name), 'utf8')))
  }

  /** Leaves lines beside the logs of processes. */
  keep(folder: string, lines: ReadonlyMap<string, readonly string[]>): void {
    mkdirSync(join(this.#folder, folder), { recursive: true })
    for (const [name, those] of lines)
      writeFileSync(join(this.#folder, folder, `${name}.jsonl`), those.map((line) => `${line}\n`).join(''))
  }

  async stop(): Promise<void> {
    for (const kind of ['gateway', 'engine', 'coordinator', 'group'])
      await Promise.all(this.#processes.filter((one) => one.kind === kind).map((one) => one.stop()))
    await this.redis.close()
    for (const log of this.#logs) log.end()
  }

  #logOf(name: string): string {
    return join(this.#folder, 'logs', `${name}.log`)
  }

  async #strikeRedis(kind: 'redis' | 'redis_emptied', pick: number): Promise<void> {
    await this.redis.stop('SIGKILL')
    await sleep(REDIS_AWAY_MS.least + (pick / 1_000) * (REDIS_AWAY_MS.most - REDIS_AWAY_MS.least))
    if (kind === 'redis_emptied')
      rmSync(join(this.#folder, 'redis', 'appendonlydir'), { recursive: true, force: true })
    await this.redis.restart()
  }
}

function poolNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `g${i}`)
}

function modelNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `m${i}`)
}

async function programsOf(
  options: FaultClusterOptions,
  { scenario, plan }: Described,
  socket: string,
): Promise<readonly Program[]> {
  const { folder, coordinators, enginesPerProcess, speedUp } = options
  const names = processNames(plan, coordinators)
  const addresses = await chooseAddresses(0, names.coordinators, [...names.groups, ...names.engines])
  const store = { socket }
  const parts = partsOf({ scenario, plan, addresses, coordinators, store, folder, speedUp, log: 'info' })
  const others = parts.flatMap((part) => (part.kind === 'engine' ? [] : [programFor(part, folder)]))
  const engines = parts
    .flatMap((part) => (part.kind === 'engine' ? [part.profile] : []))
    .sort((a, b) => compareIds(a.pool.id, b.pool.id))
  const hosts: Program[] = []
  for (let i = 0; i < engines.length; i += enginesPerProcess) {
    // Those of one process are of one group, as on one host: the death of a process takes no model away.
    const profiles = engines.slice(i, i + enginesPerProcess)
    const url = `http://${profiles[0].http.host}:${profiles[0].http.port}`
    hosts.push({
      name: `engines-${hosts.length}`,
      kind: 'engine',
      app: apps.engine,
      url,
      profile: { engines: profiles },
    })
  }
  return [
    ...others.filter(({ kind }) => kind !== 'gateway'),
    ...hosts,
    ...others.filter(({ kind }) => kind === 'gateway'),
  ]
}

function programFor(part: Part, folder: string): Program {
  const { kind, name } = part
  if (part.kind === 'gateway') {
    // Longer than a process needs to start again on a machine that is busy.
    const profile = { ...part.profile, patienceMs: PATIENCE_MS }
    return { name, kind, app: apps[kind], url: urlOf(part), profile }
  }
  const profile =
    part.kind === 'group'
      ? { ...part.profile, history: join(folder, `${part.profile.group}.history`) }
      : part.profile
  return { name, kind, app: apps[kind], url: urlOf(part), profile }
}

function clusterPlanOf({ pools, models }: FaultClusterOptions): Described {
  const [first] = modelNames(models)
  const parsed = parseScenario({
    name: 'faults',
    cluster: {
      memoryUtilisation: 1,
      grow: false,
      groups: poolNames(pools).map((id) => ({ id, gpu: 'H100', tp: 2 })),
    },
    models: modelNames(models).map((name, i) => ({
      name,
      architecture: 'Llama-3.1-8B-FP8',
      pools: poolNames(pools),
      weight: 1 + (i % 3),
      guarantee: 0.1,
      priority: i % 4,
    })),
    workload: {
      generators: [
        {
          model: first,
          arrivals: { kind: 'poisson', ratePerS: 1 },
          lengths: { prompt: { kind: 'fixed', tokens: 100 }, output: { kind: 'fixed', tokens: 20 } },
        },
      ],
    },
    durationS: 10,
  })
  if (parsed.kind === 'refused') throw new ClusterTrouble(parsed.problems.join('; '))
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new ClusterTrouble(planned.problems.join('; '))
  const { plan } = planned.value
  return {
    scenario: parsed.value,
    plan: { ...plan, pools: plan.pools.map((pool) => ({ ...pool, bundles: BUNDLES })) },
  }
}

function programOf(app: string): string {
  const program = join(appsFolder, app, 'dist/main.js')
  if (existsSync(program)) return program
  throw new ClusterTrouble(`${program} is not built; run \`npm run build\` in the repository`)
}
