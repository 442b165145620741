import {
  type ExperimentEffect,
  type ExperimentInput,
  type RunExecutor,
  type RunsMachine,
} from '@kvasir/experiment'
import type { ResultStore } from '@kvasir/results'
import { Interrupt } from '../run/interrupt.js'

/** What an experiment is conducted with. */
export interface Stage {
  readonly machine: RunsMachine
  readonly executor: RunExecutor
  readonly store: Pick<ResultStore, 'record'>
  /** Where the scenario's relative paths start. */
  readonly folder: string
  /** Told after every change. */
  readonly watch: () => void
  /** Told what a person should know. */
  readonly say: (line: string) => void
}

/**
 * The driver of an experiment: performs what the machine says, in its order. After Ctrl-C the runs under way are waited for; a
 * second one ends the process at once, and what has been recorded by then stays.
 * @returns how it ended. @throws what writing down an outcome throws; nothing is under way any more then.
 */
export function conduct(stage: Stage): Promise<'complete' | 'stopped'> {
  const { machine, executor, store, folder, watch, say } = stage
  return new Promise((resolve, reject) => {
    const interrupt = new Interrupt(() => {
      say(`stopping: ${machine.progress.underWay} runs under way are waited for; Ctrl-C again ends at once`)
      feed({ kind: 'stop' })
      executor.stop()
    })
    const end = () => {
      interrupt.dispose()
      executor.close()
    }
    const perform = (effect: ExperimentEffect) => {
      switch (effect.kind) {
        case 'execute': {
          const { id, scenario, keep } = effect.run
          if (effect.attempt > 1) say(`run ${id}: attempt ${effect.attempt}`)
          executor.execute({ id, scenario, keep, folder }, (answer) => {
            if (answer.kind === 'failed' || answer.kind === 'lost') say(`run ${id}: ${answer.reason}`)
            feed({ kind: 'answered', id, answer })
          })
          break
        }
        case 'record':
          store.record(effect.record, effect.outcome)
          break
        case 'extended':
          say(effect.because)
          break
        case 'over':
          end()
          resolve(effect.because)
      }
    }
    const feed = (input: ExperimentInput) => {
      try {
        for (const effect of machine.step(Math.round(performance.now() * 1000), input)) perform(effect)
        watch()
      } catch (error) {
        end()
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    feed({ kind: 'start', slots: executor.slots })
  })
}
