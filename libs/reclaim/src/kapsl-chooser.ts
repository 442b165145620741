import { chooseDonors } from './choose-donors.js'
import type { Choice, DonorClass } from './donor-class.js'
import { kapslDonor } from './kapsl-donor.js'
import type { EngineView, PoolView, ReclaimRequest } from './pool-view.js'

/**
 * The earlier system's rule as a chooser, for comparison: one donor for everything, engines in the order of the view. It knows no
 * guarantees, protection or history, and its freeable bundles may be running work that outranks the request. The donor's
 * own choice, which that system left open, is the cheapest.
 */
export function chooseAsKapsl(request: ReclaimRequest, view: PoolView, needed: number): Choice {
  const running = view.engines.filter(({ supply }) => supply.length > 0)
  const donor = kapslDonor({
    registered: view.engines.map(({ id }) => id),
    requester: request.engine,
    needed,
    priority: request.priority,
    lowestRunning: new Map(
      running.map(({ id, supply }) => [id, Math.min(...supply.map(({ priority }) => priority))]),
    ),
    freeable: new Map(view.engines.map((engine) => [engine.id, sumOfLargest(classesOf(engine))])),
  })
  const engine = view.engines.find(({ id }) => id === donor)
  return engine === undefined
    ? { kind: 'infeasible', available: 0 }
    : chooseDonors({ needed, classes: classesOf(engine) })
}

function classesOf(engine: EngineView): readonly DonorClass[] {
  const single = engine.supply.map(({ priority, bundles, costUs }) => ({
    donor: engine.id,
    priority,
    points: [{ bundles, cost: costUs }],
  }))
  if (engine.supplyKind === 'groups') return single
  const curves = new Map<number, DonorClass>()
  for (const { donor, priority, points } of single)
    curves.set(priority, { donor, priority, points: [...(curves.get(priority)?.points ?? []), ...points] })
  return [...curves.values()]
}

function sumOfLargest(classes: readonly DonorClass[]): number {
  return classes.reduce((sum, { points }) => sum + Math.max(...points.map(({ bundles }) => bundles)), 0)
}
