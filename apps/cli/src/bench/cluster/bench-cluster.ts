import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrivateRedis, type RedisProgram } from '@kvasir/redis-store'
import { chooseAddresses, processNames } from '../../live/addresses.js'
import { awaitReady } from '../../live/await-ready.js'
import { type ClusterFile, readClusterFile } from '../../live/cluster-file.js'
import { type Part, partsOf, urlOf } from '../../live/profiles.js'
import { LogLines } from '../../live/supervise/log-lines.js'
import { Supervisor } from '../../live/supervise/supervisor.js'

const READY_WITHIN_MS = 120_000
/** What /proc counts CPU time in: hundredths of a second on every Linux. */
const TICK_US = 10_000

/** CPU time of the processes of a cluster, microseconds, by kind; `redis` beside those of the parts. */
export type CpuByKind = ReadonlyMap<string, number>

/** What is served. */
export type ServedFile = Pick<ClusterFile, 'scenario' | 'plan'>

/** The processes of a cluster file as `kvasir up` starts them, on a Redis of their own. */
export class BenchCluster {
  readonly file: ServedFile
  readonly #parts: readonly Part[]
  readonly #supervisor: Supervisor
  readonly #redis: PrivateRedis
  readonly #folder: string

  private constructor(
    file: ServedFile,
    parts: readonly Part[],
    supervisor: Supervisor,
    redis: PrivateRedis,
    folder: string,
  ) {
    this.file = file
    this.#parts = parts
    this.#supervisor = supervisor
    this.#redis = redis
    this.#folder = folder
  }

  /** @param name of a shipped cluster, or a file. Resolves when everything is ready. */
  static start(name: string, program: RedisProgram): Promise<BenchCluster> {
    return BenchCluster.startFile(readClusterFile(name), program, 1)
  }

  /** @param speedUp how many times faster than the modelled GPUs the groups run. Resolves when everything is ready. */
  static async startFile(file: ServedFile, program: RedisProgram, speedUp: number): Promise<BenchCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'kvasir-bench-'))
    mkdirSync(join(folder, 'redis'))
    const redis = await PrivateRedis.start({ program, persistent: true, folder: join(folder, 'redis') })
    const names = processNames(file.plan, 1)
    const addresses = await chooseAddresses(0, names.coordinators, [...names.groups, ...names.engines])
    const { socket = '' } = redis.address
    const parts = partsOf({
      ...file,
      addresses,
      coordinators: 1,
      store: { socket },
      folder,
      speedUp,
      log: 'error',
    })
    const log = new LogLines(
      parts.map((part) => part.name),
      (text) => process.stderr.write(text),
    )
    const supervisor = new Supervisor({
      parts,
      folder: join(folder, 'profiles'),
      log,
      changed: () => undefined,
      refused: () => undefined,
    })
    const cluster = new BenchCluster(file, parts, supervisor, redis, folder)
    supervisor.start()
    try {
      const urls = parts.map((part) => `${urlOf(part)}/${part.kind === 'group' ? 'health' : 'ready'}`)
      await awaitReady(urls, READY_WITHIN_MS, new AbortController().signal)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  /** Of the first part of a kind. */
  url(kind: Part['kind']): string {
    const part = this.#parts.find((candidate) => candidate.kind === kind)
    if (!part) throw new RangeError(`the cluster has no ${kind}`)
    return urlOf(part)
  }

  /** Where the group of a pool listens, as `RemoteGroup` takes it. */
  groupAddress(pool: string): string | undefined {
    const part = this.#parts.find((each) => each.kind === 'group' && each.profile.group === pool)
    return part?.kind === 'group' ? part.profile.listen : undefined
  }

  /** CPU time so far. */
  cpu(): CpuByKind {
    const used = new Map<string, number>()
    const add = (kind: string, pid: number | undefined) =>
      used.set(kind, (used.get(kind) ?? 0) + (pid === undefined ? 0 : cpuUsOf(pid)))
    for (const { kind, pid } of this.#supervisor.records) add(kind, pid)
    add('redis', this.#redis.pid)
    return used
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop()
    await this.#redis.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** User and system time of a process, from /proc (proc_pid_stat(5), fields 14 and 15). */
function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the name in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}
