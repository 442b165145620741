import type { DecisionRecord } from '@kvasir/contracts'
import { DecisionReplay, firstDifference } from '@kvasir/coordinator-core'
import type { CoordinatorClient } from '../live/coordinator-client.js'
import { newDecisions } from '../live/demo/play-demo.js'

/** Of each pool, at a time. */
const DECISIONS = 10_000

/** Decisions of a live cluster from now on. */
export class DecisionsMeanwhile {
  readonly #client: CoordinatorClient
  readonly #before: readonly DecisionRecord[]

  private constructor(client: CoordinatorClient, before: readonly DecisionRecord[]) {
    this.#client = client
    this.#before = before
  }

  static async from(client: CoordinatorClient): Promise<DecisionsMeanwhile> {
    return new DecisionsMeanwhile(client, await client.decisions(DECISIONS))
  }

  async untilNow(): Promise<readonly DecisionRecord[]> {
    return newDecisions(this.#before, await this.#client.decisions(DECISIONS))
  }
}

/** How many live decisions come out the same when they are taken again from their inputs, by the code the simulator runs. */
export function takenAgain(records: readonly DecisionRecord[]): number {
  const replay = new DecisionReplay()
  return records.filter((record) => firstDifference(record, replay.next(record)) === undefined).length
}
