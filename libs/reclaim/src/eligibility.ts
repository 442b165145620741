import { compareIds, type Micros } from '@kvasir/kernel'
import type { DonorClass } from './donor-class.js'
import type { EngineView, PoolView, ReclaimPolicy, ReclaimRequest, SupplyView } from './pool-view.js'

/** What can keep bundles in use out of reach. */
export type Obstacle =
  | 'priority'
  | 'protected'
  | 'min_residency'
  | 'requester_delay'
  | 'cooldown'
  | 'cycle'
  | 'guarantee'

/** What may open work in use to a request. */
export type ReclaimRule = 'entitlement' | 'priority'

/** The rules of one search, and the ones to imagine away when explaining a denial. */
export interface Rules {
  /** The requester stays within its share: donors above their floor may be asked whatever they run, unless protected. */
  readonly entitlement: boolean
  /** Work of strictly lower effective priority may be stopped. */
  readonly priority: boolean
  readonly entitlementFloor: ReclaimPolicy['entitlementFloor']
  readonly lifted?: Obstacle
  /** Waits up to this long count as over. */
  readonly horizonUs?: number
  /** Imagine that work up to this effective priority yields, whatever the request's own. */
  readonly yieldsUpTo?: number
}

/** In-use bundles that the rules allow to reclaim, as input for the chooser. */
export interface Supply {
  readonly classes: readonly DonorClass[]
  /** Rule that opened each class; where both do, priority. */
  readonly rules: readonly ReclaimRule[]
  readonly rooms: ReadonlyMap<string, number>
}

/**
 * Everything in use that the request may reclaim.
 * @param unusedTaken leased but unused bundles already taken from each donor: they use up its room first.
 */
export function reclaimable(
  request: ReclaimRequest,
  view: PoolView,
  rules: Rules,
  unusedTaken: ReadonlyMap<string, number>,
): Supply {
  const classes: DonorClass[] = []
  const opened: ReclaimRule[] = []
  const rooms = new Map<string, number>()
  const requester = requesterOf(request, view)
  for (const donor of liveDonors(view, request.engine)) {
    let beyondShare = false
    for (const points of alternativesOf(donor)) {
      const byPriority = points.filter(
        (point) => rules.priority && yieldsToPriority(donor, point, requester, rules),
      )
      const allowed = rules.entitlement
        ? points.filter((point) => yieldsToEntitlement(donor, point, rules))
        : byPriority
      if (allowed.length === 0) continue
      const rule = allowed.every((point) => byPriority.includes(point)) ? 'priority' : 'entitlement'
      beyondShare ||= rule === 'entitlement'
      opened.push(rule)
      classes.push({
        donor: donor.id,
        priority: points[0].priority,
        points: allowed.map(({ bundles, costUs }) => ({ bundles, cost: costUs })),
      })
    }
    const floor = floorOf(donor, beyondShare && rules.entitlementFloor === 'share', rules)
    rooms.set(donor.id, Math.max(0, donor.leased - floor - (unusedTaken.get(donor.id) ?? 0)))
  }
  return { classes, rules: opened, rooms }
}

/** Most bundles the supply could give, without asking whether whole groups fit the rooms exactly: an upper bound in O(points). */
export function reachBound({ classes, rooms }: Supply): number {
  const offered = new Map<string, number>()
  for (const { donor, points } of classes) {
    const most = points.reduce((max, { bundles }) => Math.max(max, bundles), 0)
    offered.set(donor, (offered.get(donor) ?? 0) + most)
  }
  let sum = 0
  for (const [donor, bundles] of offered) sum += Math.min(bundles, rooms.get(donor) ?? 0)
  return sum
}

/** Engines that can be asked, by id. */
export function liveDonors(view: PoolView, requester: string): readonly EngineView[] {
  return view.engines
    .filter(({ id, state }) => id !== requester && state === 'live')
    .sort((a, b) => compareIds(a.id, b.id))
}

/** What the priority rule looks at in the one who asks. */
interface Requester {
  readonly priority: number
  /** It has to be short of memory for longer first. */
  readonly delayUs: Micros
}

function requesterOf(request: ReclaimRequest, view: PoolView): Requester {
  const engine = view.engines.find(({ id }) => id === request.engine)
  return { priority: request.priority + (engine?.boost ?? 0), delayUs: engine?.standing?.cooldownInUs ?? 0 }
}

/** Points of which at most one can be taken: a curve's of one priority, a group's alone. */
function alternativesOf(donor: EngineView): readonly (readonly SupplyView[])[] {
  if (donor.supplyKind === 'groups') return donor.supply.map((point) => [point])
  const curves = new Map<number, SupplyView[]>()
  for (const point of donor.supply) {
    const curve = curves.get(point.priority)
    if (curve === undefined) curves.set(point.priority, [point])
    else curve.push(point)
  }
  return [...curves].sort(([a], [b]) => a - b).map(([, points]) => points)
}

function isProtected(donor: EngineView, point: SupplyView, rules: Rules): boolean {
  return rules.lifted !== 'protected' && (donor.protected === true || point.protected === true)
}

function yieldsToEntitlement(donor: EngineView, point: SupplyView, rules: Rules): boolean {
  return !isProtected(donor, point, rules)
}

/** Strictly lower, preemptible, past its residency, not in cooldown, within its budget, and closing no circle; for one who has waited. */
function yieldsToPriority(
  donor: EngineView,
  point: SupplyView,
  { priority, delayUs }: Requester,
  rules: Rules,
): boolean {
  const { lifted, horizonUs = 0, yieldsUpTo = -Infinity } = rules
  const { cooldownInUs = 0, closesCycle = false, evictionsLeft = Infinity } = donor.standing ?? {}
  const own = point.priority + (donor.boost ?? 0)
  const lower = own < priority || own <= yieldsUpTo || lifted === 'priority'
  const open = (donor.preemptible !== false || lifted === 'protected') && !isProtected(donor, point, rules)
  const resident = (point.eligibleInUs ?? 0) <= horizonUs || lifted === 'min_residency'
  const cooled = (cooldownInUs <= horizonUs && evictionsLeft > 0) || lifted === 'cooldown'
  const acyclic = !closesCycle || lifted === 'cycle'
  const waited = delayUs <= horizonUs || lifted === 'requester_delay'
  return lower && open && resident && cooled && acyclic && waited
}

function floorOf(donor: EngineView, keepsShare: boolean, rules: Rules): number {
  if (rules.lifted === 'guarantee') return 0
  return keepsShare ? Math.max(donor.guarantee, donor.entitlement) : donor.guarantee
}
