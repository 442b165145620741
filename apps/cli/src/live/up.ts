import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LogLevel } from '@kvasir/contracts'
import { BadInput } from '../bad-input.js'
import { chooseAddresses, processNames, refusePort } from './addresses.js'
import { awaitReady } from './await-ready.js'
import { type ClusterFile, readClusterFile } from './cluster-file.js'
import { ClusterTrouble } from './cluster-trouble.js'
import { playDemo } from './demo/play-demo.js'
import { obtainStore, refuseNoRedisUrl, type Store } from './obtain-store.js'
import { clusterKey, type Part, partsOf, urlOf } from './profiles.js'
import {
  claimFolder,
  type ClusterRecord,
  liveRecord,
  type ProcessRecord,
  removeRecord,
  stateFolder,
  writeRecord,
} from './state-folder.js'
import { Stopping } from './stopping.js'
import { LogLines } from './supervise/log-lines.js'
import { Supervisor } from './supervise/supervisor.js'

export interface UpOptions {
  /** A cluster file, or the name of a shipped one. */
  readonly file: string | undefined
  readonly redis: string | undefined
  /** One process on an in-memory store. */
  readonly embedded: boolean
  readonly demo: boolean
  /** Of the gateway; 0: any. */
  readonly port: number
  /** Coordinator processes. */
  readonly coordinators: number
  readonly speedUp: number
  /** Forget what an earlier run of this cluster kept. */
  readonly fresh: boolean
  /** Undefined: as much as people can read. */
  readonly log: LogLevel | undefined
}

/** Longest time until everything is ready, ms: a dozen processes start at once. */
const READY_WITHIN_MS = 60_000

/** The parts of a cluster that run, in processes of their own or in this one. */
interface Cluster {
  readonly processes: readonly ProcessRecord[]
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Brings a cluster up, and takes it down when told to, or when the demo is over.
 * @throws {BadInput} for options and files. @throws {ClusterTrouble} when something it needs is not there.
 */
export async function up(options: UpOptions): Promise<void> {
  const cluster = readClusterFile(options.file)
  const redis = redisOf(options)
  refusePort(options)
  const state = stateFolder()
  const other = liveRecord(state)
  if (other)
    throw new ClusterTrouble(`a cluster is up (${other.name}, process ${other.pid}); kvasir down ends it`)
  const folder = join(state, clusterKey(cluster.plan))
  const giveBack = claimFolder(state)
  if (options.fresh) rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const stopping = new Stopping()
  let store: Store | undefined
  try {
    store = await storeFor(options, redis, folder)
    const parts = await makeParts(options, cluster, folder, store)
    await run({ options, cluster, state, folder, store, parts, stopping })
  } finally {
    await store?.close()
    removeRecord(state)
    giveBack()
    stopping.dispose()
  }
  say('everything has stopped')
}

/** The Redis that is named. @throws {BadInput} when it is none, or not wanted. */
function redisOf({ redis, embedded }: UpOptions): string | undefined {
  if (embedded && redis !== undefined)
    throw new BadInput(`--redis is ${redis}; beside --embedded it must be left out: that needs no Redis`)
  const named = process.env['KVASIR_REDIS_URL']
  const url = redis ?? (embedded || named === '' ? undefined : named)
  refuseNoRedisUrl(redis === undefined ? 'KVASIR_REDIS_URL' : '--redis', url)
  return url
}

/** Undefined: an in-memory store in this process. */
async function storeFor(
  options: UpOptions,
  url: string | undefined,
  folder: string,
): Promise<Store | undefined> {
  if (options.embedded) return undefined
  const obtained = await obtainStore({ url, folder, say })
  if (obtained.kind === 'store') return obtained.store
  say(obtained.reason)
  say('going on without it: everything runs in this one process, and what it knows ends with it')
  return undefined
}

async function makeParts(
  options: UpOptions,
  { scenario, plan }: ClusterFile,
  folder: string,
  store: Store | undefined,
): Promise<readonly Part[]> {
  const coordinators = store === undefined ? 1 : options.coordinators
  const names = processNames(plan, coordinators)
  const others = [...names.groups.map((name) => name), ...names.engines]
  const addresses = await chooseAddresses(options.port, names.coordinators, others)
  const { speedUp } = options
  // The logs of an embedded cluster go to the terminal as they are.
  const log = options.log ?? (store === undefined ? 'warn' : 'info')
  const address = store?.address ?? { socket: 'embedded' }
  return partsOf({ scenario, plan, addresses, coordinators, store: address, folder, speedUp, log })
}

interface Run {
  readonly options: UpOptions
  readonly cluster: ClusterFile
  readonly state: string
  readonly folder: string
  readonly store: Store | undefined
  readonly parts: readonly Part[]
  readonly stopping: Stopping
}

async function run({ options, cluster, state, folder, store, parts, stopping }: Run): Promise<void> {
  const startedAt = new Date().toISOString()
  const urls = (kind: Part['kind']) => parts.filter((part) => part.kind === kind).map(urlOf)
  const [gateway] = urls('gateway')
  const coordinators = urls('coordinator')
  const record = (): ClusterRecord => ({
    name: cluster.plan.name,
    pid: process.pid,
    startedAt,
    gateway,
    coordinators,
    redis: store?.name ?? 'embedded',
    processes: running.processes,
  })
  const changed = () => writeRecord(state, record())
  const running = await clusterOf(parts, folder, store, changed, stopping)
  try {
    await running.start()
    changed()
    await awaitReady(
      [...coordinators, gateway].map((url) => `${url}/ready`),
      READY_WITHIN_MS,
      stopping.signal,
    )
    if (!stopping.signal.aborted) say(whereToLook(cluster, gateway, coordinators, store))
    if (options.demo && !stopping.signal.aborted)
      process.stdout.write(
        `${await playDemo(cluster, { gateway, coordinator: coordinators[0], say }, stopping.signal)}\n`,
      )
    else await stopping.asked
    if (stopping.failure !== undefined) throw new ClusterTrouble(stopping.failure)
  } finally {
    say('stopping')
    await running.stop()
  }
}

async function clusterOf(
  parts: readonly Part[],
  folder: string,
  store: Store | undefined,
  changed: () => void,
  stopping: Stopping,
): Promise<Cluster> {
  if (store === undefined) {
    // Only here are the apps part of this process.
    const { EmbeddedCluster } = await import('./embedded.js')
    return new EmbeddedCluster(parts)
  }
  const log = new LogLines(
    parts.map(({ name }) => name),
    (text) => process.stderr.write(text),
  )
  const supervisor = new Supervisor({
    parts,
    folder: join(folder, 'profiles'),
    log,
    changed,
    refused: (name) => stopping.ask(`${name} cannot run with its profile; the log above says why`),
  })
  return {
    get processes() {
      return supervisor.records
    },
    start: () => Promise.resolve(supervisor.start()),
    stop: () => supervisor.stop(),
  }
}

function whereToLook(
  { plan }: ClusterFile,
  gateway: string,
  [coordinator]: readonly string[],
  store: Store | undefined,
): string {
  const [model] = plan.models
  const body = JSON.stringify({ model: model.name, messages: [{ role: 'user', content: 'Hello' }] })
  return [
    `${plan.name} is up: ${plan.models.map(({ name }) => name).join(', ')} on ${plan.pools.map(({ id }) => id).join(', ')}`,
    `  completions  ${gateway}/v1   (OpenAI-compatible)`,
    `  coordinator  ${coordinator}/v1`,
    `  redis        ${store?.name ?? 'none: one process, nothing is kept'}`,
    `  try          curl ${gateway}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
    '  and          kvasir status · kvasir pool list · kvasir model set chat --weight 5 · Ctrl-C or kvasir down ends it',
  ].join('\n')
}

/** For people; standard output belongs to results. */
function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
