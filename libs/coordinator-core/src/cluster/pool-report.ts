import { shareOfCapacity } from '@kvasir/allocation'
import type { PoolReport, ReportedEngine } from '@kvasir/contracts'
import { isHeard, type Member } from '../member.js'
import type { TokenRound } from '../token-round.js'

/** What a pool divided in its newest round, as the cluster reads it: without the number that it is sent under. */
export type PoolNeeds = Omit<PoolReport, 'pool' | 'epoch' | 'sequence'>

/**
 * @param members as the round saw them, in its order.
 * @param models that may join, sorted.
 * @param units of the cluster in one of the pool.
 */
export function needsOf(
  members: readonly Member[],
  { division }: TokenRound,
  models: readonly string[],
  units: number,
): PoolNeeds {
  const { capacity, claims, maxShare } = division.input
  const most = maxShare === undefined ? capacity : shareOfCapacity(capacity, maxShare)
  const engines = members.map((member, i): ReportedEngine => {
    const { guarantee, limit, demand } = claims[i]
    const limitUnits = Math.floor(Math.min(limit, most) * units)
    return {
      engine: member.engine,
      model: member.model,
      weight: member.terms.weight,
      guaranteeUnits: Math.min(limitUnits, Math.floor(guarantee * units)),
      limitUnits,
      demandUnits: Math.ceil(Math.min(demand, capacity) * units),
      heard: isHeard(member),
    }
  })
  return { capacityUnits: Math.floor(capacity * units), models, engines }
}

/** Share of a pool's capacity below which a change of one engine's needs waits for the next regular report. */
const MATERIAL_SHARE = 0.05

/** Whether the cluster would divide otherwise: somebody came or went, or something has changed that matters to the pool. */
export function reportsDiffer(a: PoolNeeds, b: PoolNeeds): boolean {
  if (a.engines.length !== b.engines.length || a.models.length !== b.models.length) return true
  const material = MATERIAL_SHARE * Math.max(a.capacityUnits, b.capacityUnits)
  if (Math.abs(a.capacityUnits - b.capacityUnits) > material) return true
  return a.engines.some((engine, i) => enginesDiffer(engine, b.engines[i], material))
}

function enginesDiffer(a: ReportedEngine, b: ReportedEngine, material: number): boolean {
  return (
    a.engine !== b.engine ||
    a.model !== b.model ||
    a.weight !== b.weight ||
    a.heard !== b.heard ||
    Math.abs(a.guaranteeUnits - b.guaranteeUnits) > material ||
    Math.abs(a.limitUnits - b.limitUnits) > material ||
    Math.abs(a.demandUnits - b.demandUnits) > material
  )
}
