import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { writeTextAtomic } from '@kvasir/event-log'
import { BadInput } from '../bad-input.js'
import { ClusterTrouble } from './cluster-trouble.js'

/** One process of a cluster, as its supervisor sees it. */
export interface ProcessRecord {
  readonly name: string
  readonly kind: string
  readonly state: 'starting' | 'running' | 'waiting' | 'stopped'
  readonly pid: number | undefined
  readonly restarts: number
  /** Where it answers HTTP. */
  readonly url: string
}

/** A cluster that is up: how other commands find it. */
export interface ClusterRecord {
  readonly name: string
  /** Of the supervisor. */
  readonly pid: number
  readonly startedAt: string
  readonly gateway: string
  readonly coordinators: readonly string[]
  /** Address of its Redis for people; `embedded` when there is none. */
  readonly redis: string
  readonly processes: readonly ProcessRecord[]
}

/** A socket's path has at most 107 bytes on Linux; this much is left for our part of it. */
const LONGEST_FOLDER = 70

/** Where a cluster keeps what it needs: KVASIR_STATE, or a folder in the user's state folder. @throws {BadInput} when its name is too long. */
export function stateFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const folder =
    env['KVASIR_STATE'] ?? join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'kvasir')
  if (Buffer.byteLength(folder) > LONGEST_FOLDER)
    throw new BadInput(
      `KVASIR_STATE is ${folder}; it must have at most ${LONGEST_FOLDER} characters, for sockets lie in it`,
    )
  return folder
}

function recordPath(folder: string): string {
  return join(folder, 'cluster.json')
}

export function writeRecord(folder: string, record: ClusterRecord): void {
  mkdirSync(folder, { recursive: true })
  writeTextAtomic(recordPath(folder), `${JSON.stringify(record, undefined, 2)}\n`)
}

export function removeRecord(folder: string): void {
  rmSync(recordPath(folder), { force: true })
}

/** The cluster that was started last with this folder, whether it is alive or not. */
export function readRecord(folder: string): ClusterRecord | undefined {
  const path = recordPath(folder)
  if (!existsSync(path)) return undefined
  // Written by us alone, and whole.
  return JSON.parse(readFileSync(path, 'utf8')) as ClusterRecord
}

/** The cluster that is up. */
export function liveRecord(folder: string): ClusterRecord | undefined {
  const record = readRecord(folder)
  return record !== undefined && isAlive(record.pid) ? record : undefined
}

/**
 * Makes the folder this process's own: of two clusters that are started at once one is refused. A process that was killed leaves its mark
 * behind, which counts for nothing.
 * @returns how to give it back. @throws {ClusterTrouble} when another process has it.
 */
export function claimFolder(folder: string): () => void {
  const path = join(folder, 'up.pid')
  mkdirSync(folder, { recursive: true })
  const [owner] = existsSync(path) ? [Number(readFileSync(path, 'utf8'))] : []
  if (owner !== undefined && owner > 0 && owner !== process.pid && !isAlive(owner))
    rmSync(path, { force: true })
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
  } catch {
    throw new ClusterTrouble(
      `a cluster is being started or stopped here (process ${owner ?? 'unknown'} has ${path}); wait for it, or set KVASIR_STATE to another folder`,
    )
  }
  return () => rmSync(path, { force: true })
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
