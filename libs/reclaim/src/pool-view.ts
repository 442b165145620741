import type { Micros } from '@kvasir/kernel'

/** An engine asks for bundles for work of some priority. */
export interface ReclaimRequest {
  readonly id: string
  readonly engine: string
  readonly bundles: number
  /** Fewest bundles that are of any use; absent: all or nothing. */
  readonly minBundles?: number
  /** Higher runs first. */
  readonly priority: number
  /** Which rule may be used; `auto`: whichever is cheaper. */
  readonly class: 'auto' | 'entitlement' | 'priority'
  /** On the clock of the view. */
  readonly deadlineUs?: Micros
  /** Epoch the requester knows. */
  readonly epoch?: number
}

/** What a pool looks like at the moment of decision. Plain data, so that a recorded decision can be taken again. */
export interface PoolView {
  readonly nowUs: Micros
  readonly epoch?: number
  readonly bundles: number
  readonly free: number
  readonly engines: readonly EngineView[]
}

export interface EngineView {
  readonly id: string
  readonly weight: number
  /** No class takes a donor below it. */
  readonly guarantee: number
  /** Infinity: none. */
  readonly limit: number
  /** Its weighted max-min share of the pool's bundles. */
  readonly entitlement: number
  readonly leased: number
  /** Of these, bundles with a block in use. */
  readonly inUse: number
  /** On their way to it for other open requests. */
  readonly incoming?: number
  /** Only a live engine can be asked for anything. */
  readonly state: 'live' | 'suspect' | 'silent'
  /** Added to the priorities of its work. */
  readonly boost?: number
  /** Whether the priority rule may stop its work; default true. */
  readonly preemptible?: boolean
  /** No rule may stop its work. */
  readonly protected?: boolean
  /**
   * `curve` (default): points of one priority are alternatives, each with the bundles of all cheaper ones. `groups`: each point is a
   * group that is freed whole or not at all.
   */
  readonly supplyKind?: 'curve' | 'groups'
  /** What freeing bundles in use would cost. */
  readonly supply: readonly SupplyView[]
  /** Towards this requester, whose own cooldown is the time until lower work may stop for it; absent: no history. */
  readonly standing?: Standing
}

export interface SupplyView {
  readonly priority: number
  readonly bundles: number
  readonly costUs: number
  /** Minimum residency left; absent or 0: over. */
  readonly eligibleInUs?: Micros
  readonly protected?: boolean
}

/** What past preemptions say about one donor and one requester. */
export interface Standing {
  /** Until the pair may evict each other again; 0: now. */
  readonly cooldownInUs: Micros
  /** Whether evicting it would close a circle of who evicted whom. */
  readonly closesCycle: boolean
  /** Evictions it may still suffer for now. */
  readonly evictionsLeft: number
}

export interface ReclaimPolicy {
  /** `kapsl-single-donor` is the earlier system's rule, for comparison. */
  readonly chooser: 'least-cost' | 'kapsl-single-donor'
  /** How far the entitlement rule may go with a donor: to its guarantee, or not even below its own share. */
  readonly entitlementFloor: 'guarantee' | 'share'
  /** Work up to which the choice is exact. */
  readonly exactCellsMax: number
}
