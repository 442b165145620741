import { divide } from '@kvasir/allocation'
import type { PreemptionPlan, PreemptionSnapshot } from '@kvasir/contracts'
import { decide } from './decide.js'
import type { Decision, DonorShare } from './decision.js'
import type { EngineView, PoolView, ReclaimRequest } from './pool-view.js'

/**
 * What the pool's owner would answer to one request on a snapshot: `decide`, as a live pool takes it, on shares divided as a live
 * pool divides them. Nothing says what engines demand, so that shares are those of a pool in which everybody wants everything.
 *
 * A group that is not eligible yet is not waited for, whatever the deadline: the counterfactual names it.
 */
export function planPreemption(snapshot: PreemptionSnapshot): PreemptionPlan {
  const decision = decide(requestOf(snapshot), viewOf(snapshot))
  const { outcome, reason, granted, costUs, explanation, counterfactual } = decision
  return {
    outcome,
    reason,
    granted,
    cost: costUs,
    donors: donorsOf(decision),
    explanation,
    counterfactual: counterfactual.text,
  }
}

function requestOf({ request }: PreemptionSnapshot): ReclaimRequest {
  const { engine, bundles, minBundles, priority, class: rule, deadlineUs } = request
  return {
    id: `${engine}/plan`,
    engine,
    bundles,
    priority,
    class: rule,
    ...(minBundles === undefined ? {} : { minBundles }),
    ...(deadlineUs === undefined ? {} : { deadlineUs }),
  }
}

function viewOf({ pool, engines }: PreemptionSnapshot): PoolView {
  const shares = divide({
    capacity: pool.bundles,
    claims: engines.map(({ id, weight, guarantee, limit = Infinity }) => ({
      id,
      weight,
      guarantee,
      limit,
      demand: Infinity,
    })),
  }).amounts
  return {
    nowUs: 0,
    bundles: pool.bundles,
    free: pool.free,
    engines: engines.map(
      ({ limit = Infinity, ...engine }, i): EngineView => ({
        ...engine,
        limit,
        entitlement: shares[i],
        state: 'live',
        supplyKind: 'groups',
      }),
    ),
  }
}

/** One entry an engine whose work has to stop: what lies unused is free supply, and nobody's donation. */
function donorsOf({ donors }: Decision): PreemptionPlan['donors'] {
  const byEngine = new Map<string, DonorShare[]>()
  for (const share of donors)
    if (share.class !== 'unused') byEngine.set(share.engine, [...(byEngine.get(share.engine) ?? []), share])
  return [...byEngine].map(([engine, shares]) => ({
    engine,
    bundles: shares.reduce((sum, { bundles }) => sum + bundles, 0),
    costUs: shares.reduce((sum, { costUs }) => sum + costUs, 0),
  }))
}
