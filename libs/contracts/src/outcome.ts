import { z } from 'zod'

/** Why a preemption request ended without its bundles. Closed: `explain` has a sentence for each. */
export const denialReasonSchema = z.enum([
  'over_limit',
  'no_lower_priority',
  'all_protected',
  'min_residency',
  'cooldown',
  'cycle',
  'pool_too_small',
  'deadline',
  'stale_epoch',
  'not_registered',
])
export type DenialReason = z.infer<typeof denialReasonSchema>

/** The one end of a preemption request. A repeated id gets the same outcome. */
export const preemptionOutcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('granted'), id: z.string(), bundles: z.int().min(1) }),
  z.strictObject({ kind: z.literal('granted_partial'), id: z.string(), bundles: z.int().min(1) }),
  z.strictObject({ kind: z.literal('denied'), id: z.string(), reason: denialReasonSchema }),
  z.strictObject({ kind: z.literal('expired'), id: z.string(), reason: z.literal('cancelled') }),
])
export type PreemptionOutcome = z.infer<typeof preemptionOutcomeSchema>

/** Which rule let bundles change hands. `unused` needs none: nobody's work was stopped. */
export const donationClassSchema = z.enum(['free', 'unused', 'entitlement', 'priority'])
export type DonationClass = z.infer<typeof donationClassSchema>
