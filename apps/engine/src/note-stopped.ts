import { STOPPED_FOR_ANOTHER } from '@kvasir/contracts'
import type { EngineEffect } from '@kvasir/engine-core'
import type { Logger } from 'pino'

/**
 * Logs work that was stopped because memory was taken back, and for which request: that is asked in every incident. Work that the engine
 * stopped for its own sake is not told. The line is `stoppedWorkLineSchema` of contracts.
 */
export function noteStopped(log: Logger, effect: EngineEffect, priorityOf: (slot: number) => number): void {
  if (effect.kind !== 'preempted' || effect.cause.kind !== 'reclaim') return
  const { request } = effect.cause
  log.info({ request, priorities: effect.slots.map(priorityOf) }, STOPPED_FOR_ANOTHER)
}
