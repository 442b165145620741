import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** The command as people run it, which builds what it runs when sources are newer. */
export const LAUNCHER = fileURLToPath(new URL('../../bin/kvasir.js', import.meta.url))
/** What the launcher has built by then: it starts at once, and does not change while sources do. */
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface ProcessOptions {
  /** Where it runs. */
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  /** The built command by default. */
  readonly program?: string
}

/** `kvasir` in a process of its own. */
export class KvasirProcess {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  #out = ''
  #err = ''

  constructor(words: readonly string[], { folder, env, program = MAIN }: ProcessOptions) {
    this.child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', ...env },
    })
    this.child.stdout?.on('data', (data) => (this.#out += String(data)))
    this.child.stderr?.on('data', (data) => (this.#err += String(data)))
    this.finished = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code, signal) => resolve({ code, signal, out: this.#out, err: this.#err }))
    })
  }

  /** All of it so far, what is an answer before what is not. */
  get said(): string {
    return this.#out + this.#err
  }

  /** What it has said until now counts no more. */
  forget(): void {
    this.#out = ''
    this.#err = ''
  }

  /** @throws when it ends without having said `text` so many times. */
  async says(text: string, times = 1): Promise<void> {
    while (this.said.split(text).length <= times) {
      if (this.child.exitCode !== null) throw new Error(`it ended without saying ${text}:\n${this.said}`)
      await sleep(20)
    }
  }

  end(signal: NodeJS.Signals): Promise<Finished> {
    this.child.kill(signal)
    return this.finished
  }
}
