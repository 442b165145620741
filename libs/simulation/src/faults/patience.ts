import { type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'
import type { LiveRequest } from '../live-request.js'
import type { FaultRecord } from './fault-book.js'
import type { FaultWorld } from './fault-world.js'

/** How long a gateway waits for an engine of a model to come back (`profile-gateway.ts`: `patienceMs`). */
const PATIENCE_US: Micros = 3 * MICROS_PER_SECOND
/** Engines that it sends a request to at most (`apps/gateway/src/forward.ts`: `ATTEMPTS_MOST`). */
const ATTEMPTS_MOST = 5

/** Requests for which there is no engine at present: they wait, as at the gateway, and are refused when none comes back in time. */
export class Patience {
  readonly #world: FaultWorld
  /** By model, in the order of coming. */
  readonly #waiting = new Map<string, Set<LiveRequest>>()

  constructor(world: FaultWorld) {
    this.#world = world
  }

  /** A request has lost its engine before its first token. */
  sendAgain(live: LiveRequest, record: FaultRecord | undefined): void {
    if (record) record.retried++
    if (++live.attempts > ATTEMPTS_MOST) this.#giveUp(live, record)
    else if (!this.#world.send(live)) this.wait(live, record)
  }

  wait(live: LiveRequest, record: FaultRecord | undefined): void {
    const model = live.model.plan.name
    const waiting = this.#waiting.get(model) ?? new Set()
    this.#waiting.set(model, waiting.add(live))
    const { attempts } = live
    this.#world.at(this.#world.now() + PATIENCE_US, () => {
      // It may have been sent, and have come back to wait anew.
      if (live.attempts === attempts && waiting.delete(live)) this.#giveUp(live, record)
    })
  }

  /** An engine of the model takes requests. */
  engineIsBack(model: string): void {
    const waiting = this.#waiting.get(model)
    if (!waiting) return
    for (const live of waiting) {
      if (!this.#world.send(live)) return
      waiting.delete(live)
    }
  }

  #giveUp(live: LiveRequest, record: FaultRecord | undefined): void {
    if (record) record.lost++
    this.#world.reject(live, 'no_engine', `no engine of model ${live.model.plan.name} took it in time`)
  }
}
