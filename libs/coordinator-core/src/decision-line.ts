import type { PreemptionDecision, PreemptionOutcome } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { Decision } from '@kvasir/reclaim'
import type { OpenRequest } from './open-requests.js'

/** Donors were told to release (or, where a pool is only observed, would have been); the end follows in a line of its own. */
export function plannedLine(now: Micros, request: OpenRequest, decision: Decision): PreemptionDecision {
  return lineOf(now, request, { outcome: 'planned', reason: null, granted: 0, ...reasoningOf(decision) })
}

/** The end of a request, as it follows from one decision or, without, from what donors have released. */
export function outcomeLine(
  now: Micros,
  request: OpenRequest,
  outcome: PreemptionOutcome,
  decision?: Decision,
): PreemptionDecision {
  const granted = grantedBy(outcome)
  const reasoning = decision
    ? reasoningOf(decision)
    : explainedBy(`${granted} bundles released for ${request.engine}`)
  return lineOf(now, request, { outcome: outcome.kind, reason: reasonOf(outcome), granted, ...reasoning })
}

/** The end of a request that gets nothing, for a reason outside any choice of donors. */
export function closedLine(
  now: Micros,
  request: OpenRequest,
  outcome: PreemptionOutcome,
  explanation: string,
): PreemptionDecision {
  return lineOf(now, request, {
    outcome: outcome.kind,
    reason: reasonOf(outcome),
    granted: 0,
    ...explainedBy(explanation),
  })
}

type Reasoning = Pick<PreemptionDecision, 'donations' | 'explanation' | 'counterfactual'>

function lineOf(
  now: Micros,
  request: OpenRequest,
  rest: Pick<PreemptionDecision, 'outcome' | 'reason' | 'granted'> & Reasoning,
): PreemptionDecision {
  const { id, engine, priority, bundles, minBundles, costUs } = request
  return { atUs: now, id, engine, priority, bundles, minBundles, costUs, ...rest }
}

function reasoningOf(decision: Decision): Reasoning {
  return {
    donations: decision.donors.map((share) => ({
      engine: share.engine,
      bundles: share.bundles,
      costUs: share.costUs,
      class: share.class,
    })),
    explanation: decision.explanation,
    counterfactual: decision.counterfactual.text,
  }
}

function explainedBy(explanation: string): Reasoning {
  return { donations: [], explanation, counterfactual: null }
}

function grantedBy(outcome: PreemptionOutcome): Bundles {
  return outcome.kind === 'granted' || outcome.kind === 'granted_partial' ? outcome.bundles : 0
}

function reasonOf(outcome: PreemptionOutcome): PreemptionDecision['reason'] {
  return outcome.kind === 'denied' || outcome.kind === 'expired' ? outcome.reason : null
}
