import type { BlockPool } from '@kvasir/kv-cache'
import type { Scheduler } from '@kvasir/scheduler'
import type { EngineOptions } from './engine-options.js'
import type { Lease } from './lease.js'
import type { Outbox } from './outbox.js'
import type { Urgency } from './urgency.js'

/** What the parts of one engine share. */
export interface EngineParts {
  readonly options: EngineOptions
  readonly scheduler: Scheduler
  readonly pool: BlockPool
  readonly lease: Lease
  readonly outbox: Outbox
  /** Absent when nothing is promised. */
  readonly urgency: Urgency | undefined
}
