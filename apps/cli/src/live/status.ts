import type { PoolStatus } from '@kvasir/contracts'
import { renderTable } from '@kvasir/report'
import { ClusterTrouble } from './cluster-trouble.js'
import { CoordinatorClient } from './coordinator-client.js'
import { ask } from './http.js'
import { poolsTable } from './tables.js'
import { type ClusterRecord, liveRecord, type ProcessRecord, stateFolder } from './state-folder.js'

export interface ClusterStatus {
  readonly cluster: Omit<ClusterRecord, 'processes'>
  readonly processes: readonly (ProcessRecord & { readonly ready: boolean })[]
  /** Undefined: no coordinator answers. */
  readonly pools: readonly PoolStatus[] | undefined
}

/** @throws {ClusterTrouble} when no cluster is up. */
export async function statusOf(): Promise<ClusterStatus> {
  const record = liveRecord(stateFolder())
  if (!record) throw new ClusterTrouble('no cluster is up; start one with kvasir up')
  const { processes, ...cluster } = record
  const [looked, pools] = await Promise.all([Promise.all(processes.map(look)), poolsOf(record)])
  return { cluster, processes: looked, pools }
}

async function look(process: ProcessRecord) {
  return { ...process, ready: await isReady(process) }
}

/** Groups have no state in which they are there and not ready. */
async function isReady({ kind, url }: ProcessRecord): Promise<boolean> {
  try {
    return (await ask(`${url}/${kind === 'group' ? 'health' : 'ready'}`)).status === 200
  } catch (error) {
    if (error instanceof ClusterTrouble) return false
    throw error
  }
}

async function poolsOf({ coordinators }: ClusterRecord): Promise<readonly PoolStatus[] | undefined> {
  try {
    return await new CoordinatorClient(coordinators).pools()
  } catch (error) {
    if (error instanceof ClusterTrouble) return undefined
    throw error
  }
}

export function statusText({ cluster, processes, pools }: ClusterStatus): string {
  const header = ['process', 'kind', 'state', 'ready', 'pid', 'restarts', 'url']
  const rows = processes.map(({ name, kind, state, ready, pid, restarts, url }) => [
    name,
    kind,
    state,
    ready ? 'yes' : 'no',
    pid === undefined ? '–' : String(pid),
    String(restarts),
    url,
  ])
  return [
    `${cluster.name}, up since ${cluster.startedAt} (process ${cluster.pid}), store ${cluster.redis}`,
    '',
    renderTable({ header, rows, align: ['left', 'left', 'left', 'left', 'right', 'right', 'left'] }),
    '',
    pools === undefined ? 'no coordinator answers' : poolsTable(pools),
  ].join('\n')
}
