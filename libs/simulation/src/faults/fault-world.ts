import type { PoolEffect, PoolInput } from '@kvasir/coordinator-core'
import type { Micros } from '@kvasir/kernel'
import type { DeviceHost, EngineHost, PoolHost } from '../build.js'
import type { ClusterPlan } from '../cluster-plan.js'
import type { GroupRuns } from '../group-runs.js'
import type { LiveRequest } from '../live-request.js'
import type { FaultRecord } from './fault-book.js'

/** What faults need of the simulation they happen in. */
export interface FaultWorld {
  readonly plan: ClusterPlan
  readonly engines: readonly EngineHost[]
  readonly devices: readonly DeviceHost[]
  readonly pools: readonly PoolHost[]
  readonly groups: GroupRuns
  now(): Micros
  at(us: Micros, act: () => void): void
  /** Carries out what a pool's owner decided, and sets its timer. */
  perform(pool: PoolHost, effects: readonly PoolEffect[]): void
  tellPool(pool: PoolHost, input: PoolInput): void
  /** The process of an engine begins. */
  start(engine: EngineHost): void
  /** Whether requests are sent to the engine from now on. */
  serve(engine: EngineHost, serving: boolean): void
  /** Ends the engine's process: answers with its requests that another engine can have; those that have begun to stream are lost. */
  abandon(engine: EngineHost, record: FaultRecord | undefined): readonly LiveRequest[]
  /** Sends a request to an engine of its model; false when none takes any. */
  send(live: LiveRequest): boolean
  reject(live: LiveRequest, reason: string, detail: string): void
}
