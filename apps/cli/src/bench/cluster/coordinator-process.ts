import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CoordinatorProfile } from '@kvasir/contracts'
import type { FromCoordinator, ToCoordinator } from './coordinator-program.js'

/** A coordinator as it runs live, in a process of its own; its groups compute nothing and lie in the same process. */
export class CoordinatorProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when it owns all its offices. @throws when it ends before. */
  static async start(profile: CoordinatorProfile): Promise<CoordinatorProcess> {
    const child = fork(fileURLToPath(new URL('./coordinator-program.js', import.meta.url)), {
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const started = new CoordinatorProcess(child)
    child.send({ kind: 'start', profile } satisfies ToCoordinator)
    await started.#answer()
    return started
  }

  /** CPU time it has used, microseconds. */
  async cpuUs(): Promise<number> {
    this.#child.send({ kind: 'cpu' } satisfies ToCoordinator)
    const answer = await this.#answer()
    return answer.kind === 'cpu' ? answer.us : 0
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.send({ kind: 'stop' } satisfies ToCoordinator)
    await ended
  }

  #answer(): Promise<FromCoordinator> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`the coordinator ended with ${code}`))
      this.#child.once('exit', ended)
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended)
        resolve(message as FromCoordinator)
      })
    })
  }
}
