import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { ProcessRecord } from '../state-folder.js'

export interface SupervisedOptions {
  readonly name: string
  readonly kind: string
  readonly url: string
  /** Arguments of node: the program, then its own. */
  readonly args: readonly string[]
  line(text: string): void
  /** Its state is another one now. */
  changed(): void
  /** It says that its profile is wrong: it will not run. */
  refused(): void
}

/** Pause before it is started again: at first, at most, and how long it must live to begin at first again; ms. */
const pause = { least: 200, most: 5_000, forgottenAfter: 10_000 }
/** A process that was told to end, and has not after this, is killed; ms. */
const END_WITHIN_MS = 15_000
/** Exit code of a process that cannot read its profile. */
const BAD_PROFILE = 2

/** One process that is started again whenever it ends, until it is told to stop. */
export class Supervised {
  readonly #options: SupervisedOptions
  #child: ChildProcess | undefined
  #state: ProcessRecord['state'] = 'starting'
  #restarts = 0
  #startedMs = 0
  #pauseMs = pause.least
  #timer: NodeJS.Timeout | undefined
  #ended: (() => void) | undefined

  constructor(options: SupervisedOptions) {
    this.#options = options
  }

  get kind(): string {
    return this.#options.kind
  }

  get record(): ProcessRecord {
    const { name, kind, url } = this.#options
    return { name, kind, url, state: this.#state, pid: this.#child?.pid, restarts: this.#restarts }
  }

  start(): void {
    const { args, line } = this.#options
    this.#startedMs = performance.now()
    // The channel is what a process knows by that its supervisor is alive. A process group of its own: Ctrl-C is the supervisor's.
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, NODE_ENV: 'production' },
    })
    this.#child = child
    this.#state = 'running'
    for (const stream of [child.stdout, child.stderr]) if (stream) eachLine(stream, line)
    child.once('error', (error) => line(`cannot be started: ${error.message}`))
    child.once('exit', (code, signal) => this.#exited(code, signal))
    this.#options.changed()
  }

  /** Ends it. Resolves when it has ended. */
  stop(): Promise<void> {
    clearTimeout(this.#timer)
    const child = this.#child
    if (this.#state === 'stopped' || !child) {
      this.#state = 'stopped'
      return Promise.resolve()
    }
    this.#state = 'stopped'
    const killer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
    return new Promise((resolve) => {
      this.#ended = () => {
        clearTimeout(killer)
        resolve()
      }
      child.kill('SIGTERM')
    })
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const { line, changed, refused } = this.#options
    this.#child = undefined
    if (this.#state === 'stopped') {
      this.#ended?.()
      return changed()
    }
    if (code === BAD_PROFILE) {
      this.#state = 'stopped'
      changed()
      return refused()
    }
    const lived = performance.now() - this.#startedMs
    if (lived > pause.forgottenAfter) this.#pauseMs = pause.least
    line(
      `ended ${signal === null ? `with ${code}` : `by ${signal}`}; starts again in ${(this.#pauseMs / 1000).toFixed(1)} s`,
    )
    this.#state = 'waiting'
    this.#restarts++
    this.#timer = setTimeout(() => this.start(), this.#pauseMs)
    this.#pauseMs = Math.min(pause.most, 2 * this.#pauseMs)
    changed()
  }
}

function eachLine(stream: Readable, line: (text: string) => void): void {
  createInterface({ input: stream }).on('line', line)
}
