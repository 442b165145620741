import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Connection, type RedisAddress } from '../connection.js'
import { endLeftOver } from './end-left-over.js'
import type { RedisProgram } from './find-redis.js'
import { guard } from './guard.js'

export interface PrivateRedisOptions {
  readonly program: RedisProgram
  /** Keeps what it is told over restarts (an append-only file, fsynced each second). */
  readonly persistent: boolean
  /** Folder of its socket and data; a temporary one, removed at the end, when absent. */
  readonly folder?: string
  /** The server has ended, and nobody told it to. */
  readonly ended?: () => void
}

/** A Redis server of our own on a unix socket, which nobody else reaches. It ends with this process, and not before: Ctrl-C is ours. */
export class PrivateRedis {
  readonly address: RedisAddress
  readonly #options: PrivateRedisOptions
  readonly #folder: string
  readonly #socket: string
  #server: ChildProcess | undefined

  private constructor(options: PrivateRedisOptions) {
    this.#options = options
    this.#folder = options.folder ?? mkdtempSync(join(tmpdir(), 'kvasir-redis-'))
    this.#socket = join(this.#folder, 'redis.sock')
    this.address = { socket: this.#socket }
  }

  /** Starts a server and waits until it answers. @throws {Error} when it does not. */
  static async start(options: PrivateRedisOptions): Promise<PrivateRedis> {
    const redis = new PrivateRedis(options)
    await endLeftOver(redis.#socket)
    await redis.restart()
    return redis
  }

  get pid(): number | undefined {
    return this.#server?.pid
  }

  /** Starts the server again after it was stopped or killed, with the data it kept. */
  async restart(): Promise<void> {
    const { program, persistent } = this.#options
    const server = spawn(program.path, this.#flags(persistent), {
      argv0: program.name,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      env: { ...process.env, ...(program.libraries ? { LD_LIBRARY_PATH: program.libraries } : {}) },
    })
    this.#server = server
    const callOff = server.pid === undefined ? undefined : guard(server.pid)
    let ready = false
    server.once('exit', () => {
      callOff?.()
      if (ready && this.#server === server) this.#options.ended?.()
    })
    let complaint = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString()
    })
    const connection = new Connection(this.address)
    try {
      await Promise.race([
        connection.ready(),
        new Promise((_, reject) =>
          server.once('exit', (code) =>
            reject(new Error(`redis-server ended with ${code}: ${complaint.trim()}`)),
          ),
        ),
      ])
      ready = true
    } finally {
      connection.close()
    }
  }

  /** Ends the server. @param signal SIGKILL: as a crash would. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill(signal)
    await ended
  }

  /** Ends the server, and removes its folder if it was a temporary one. */
  async close(): Promise<void> {
    await this.stop()
    if (this.#options.folder === undefined) rmSync(this.#folder, { recursive: true, force: true })
  }

  #flags(persistent: boolean): string[] {
    const place = [
      '--port',
      '0',
      '--unixsocket',
      this.#socket,
      '--unixsocketperm',
      '700',
      '--dir',
      this.#folder,
    ]
    const memory = [
      '--save',
      '',
      '--appendonly',
      persistent ? 'yes' : 'no',
      '--maxmemory-policy',
      'noeviction',
    ]
    return [...place, ...memory]
  }
}
