import type { Epoch } from '@kvasir/kernel'

/** Whose decisions they are. */
export interface PoolOrigin {
  readonly pool: string
  readonly epoch: Epoch
  /** Plans are published and nothing is taken from anybody. */
  readonly observeOnly: boolean
}
