import type { DenialReason, PreemptionOutcome, RequestEndCause } from '@kvasir/contracts'
import { type Bundles, invariant, unreachable } from '@kvasir/kernel'

/** How things stand with a preemption request at its end. */
export interface RequestEndQuestion {
  readonly id: string
  readonly engine: string
  readonly cause: RequestEndCause
  /** Why the choice of donors said no; null but for the cause `refused`. */
  readonly denial: DenialReason | null
  readonly wanted: Bundles
  readonly least: Bundles
  /** Arrived for it. */
  readonly reserved: Bundles
}

export interface RequestEnd {
  readonly outcome: PreemptionOutcome
  readonly explanation: string
}

/** How a request ends. Pure: what has arrived is granted if it is of use, unless nobody waits for it any more. */
export function endOf(question: RequestEndQuestion): RequestEnd {
  const { id, engine, cause, denial } = question
  switch (cause) {
    case 'refused':
      invariant(denial !== null, () => `${id} was refused without a reason`)
      return denied(id, denial, 'nobody may give')
    case 'observed':
      return denied(id, 'all_protected', 'the pool is only observed: plans are not carried out')
    case 'cancelled':
      return expired(id, `${engine} withdrew the request`)
    case 'engine_left':
      return expired(id, `${engine} left`)
    case 'arrived':
    case 'time_up':
      return grantOrDeny(question)
    default:
      return unreachable(cause)
  }
}

function grantOrDeny({ id, engine, wanted, least, reserved }: RequestEndQuestion): RequestEnd {
  if (reserved < least) return denied(id, 'deadline', 'donors did not release in time')
  const kind = reserved >= wanted ? 'granted' : 'granted_partial'
  return {
    outcome: { kind, id, bundles: reserved },
    explanation: `${reserved} bundles released for ${engine}`,
  }
}

function denied(id: string, reason: DenialReason, explanation: string): RequestEnd {
  return { outcome: { kind: 'denied', id, reason }, explanation }
}

function expired(id: string, explanation: string): RequestEnd {
  return { outcome: { kind: 'expired', id, reason: 'cancelled' }, explanation }
}
