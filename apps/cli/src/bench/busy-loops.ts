import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoopKind, LoopOrder, LoopTurns } from './busy-loop.js'

const LOOP_FILE = fileURLToPath(new URL('./busy-loop.js', import.meta.url))

/**
 * Bare loops in processes of their own: what the machine itself gives `count` of them over one. Shared cores, shared caches and other
 * people's work give less than all of it, to us as to them.
 */
export class BusyLoops {
  readonly #children: readonly ReturnType<typeof fork>[]

  constructor(count: number) {
    this.#children = Array.from({ length: count }, () =>
      fork(LOOP_FILE, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    )
  }

  /** Turns a second of the first `count` of them at once, added up, over `ms` milliseconds. */
  async perSecond(order: LoopOrder, count: number): Promise<number> {
    const answers = this.#children.slice(0, count).map(
      (child) =>
        new Promise<number>((resolve, reject) => {
          const gone = () => reject(new Error('a process of the yardstick ended before its time'))
          child.once('exit', gone)
          child.once('message', ({ turns, ms }: LoopTurns) => {
            child.off('exit', gone)
            resolve((turns / ms) * 1000)
          })
          child.send(order)
        }),
    )
    return (await Promise.all(answers)).reduce((sum, value) => sum + value, 0)
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

export const LOOP_KINDS: readonly LoopKind[] = ['arithmetic', 'memory']
