import { z } from 'zod'
import { denialReasonSchema } from './outcome.js'
import { countSchema, planIdSchema, planWeightSchema, positiveSchema } from './plan-numbers.js'
import { parseDocument, type Parsed } from './problems.js'

const supplyGroupSchema = z.strictObject({
  priority: z.number().describe('of the work; higher runs first'),
  bundles: positiveSchema('bundles the group holds; it is freed whole or not at all'),
  costUs: z.number().min(0).describe('estimated time to bring the work back'),
  protected: z.boolean().default(false).describe('never to be stopped'),
  eligibleInUs: countSchema('minimum residency left; 0: over').default(0),
})

const engineSchema = z.strictObject({
  id: planIdSchema,
  weight: planWeightSchema,
  guarantee: countSchema('bundles no class takes it below'),
  limit: countSchema('most bundles it may hold; unlimited when left out').optional(),
  leased: countSchema('bundles it holds'),
  inUse: countSchema('of its leased bundles, those in use'),
  supply: z.array(supplyGroupSchema).describe('groups among the bundles in use that can be freed'),
})

const requestSchema = z.strictObject({
  engine: planIdSchema,
  bundles: positiveSchema('bundles wanted'),
  minBundles: positiveSchema('fewest that are of any use; all of them when left out').optional(),
  priority: z.number().describe('of the work that needs them; higher runs first'),
  class: z.enum(['auto', 'entitlement', 'priority']).default('auto').describe('which rule may be used'),
  deadlineUs: countSchema('time the request may wait; unlimited when left out').optional(),
})

/** What `kvasir plan preemption` decides on: a pool and one request for its bundles. Times count from the snapshot. */
export const preemptionSnapshotSchema = z.strictObject({
  pool: z.strictObject({
    bundles: positiveSchema('bundles in all'),
    free: countSchema('bundles nobody holds'),
  }),
  request: requestSchema,
  engines: z.array(engineSchema),
})
export type PreemptionSnapshot = z.infer<typeof preemptionSnapshotSchema>

/** The answer of `kvasir plan preemption`. */
export const preemptionPlanSchema = z.strictObject({
  outcome: z.enum(['granted', 'granted_partial', 'denied']),
  reason: z.enum(['granted', 'granted_partial', ...denialReasonSchema.options]),
  granted: z.int().min(0).describe('bundles'),
  cost: z.number().min(0).describe('sum over the groups taken, in microseconds'),
  donors: z
    .array(z.strictObject({ engine: z.string(), bundles: z.int().min(1), costUs: z.number().min(0) }))
    .describe('engines whose groups are taken, by id; what they free beyond the need becomes free'),
  explanation: z.string(),
  counterfactual: z
    .string()
    .describe('the nearest circumstances in which the outcome would have been another'),
})
export type PreemptionPlan = z.infer<typeof preemptionPlanSchema>

/** Reads a snapshot: its own fields first, then what they say to each other. */
export function parsePreemptionSnapshot(document: unknown): Parsed<PreemptionSnapshot> {
  const parsed = parseDocument(preemptionSnapshotSchema, document)
  if (parsed.kind === 'refused') return parsed
  const { pool, request, engines } = parsed.value
  const problems = [
    ...engineProblems(engines),
    ...poolProblems(pool, engines),
    ...requestProblems(request, engines),
  ]
  return problems.length === 0 ? parsed : { kind: 'refused', problems }
}

type Engines = PreemptionSnapshot['engines']

function engineProblems(engines: Engines): string[] {
  const seen = new Map<string, number>()
  return engines.flatMap(({ id, guarantee, limit = Infinity, leased, inUse, supply }, i) => {
    const at = `engines[${i}]`
    const problems: string[] = []
    const first = seen.get(id)
    if (first !== undefined)
      problems.push(`${at}.id is "${id}", as engines[${first}].id is; it must be a name of its own`)
    else seen.set(id, i)
    if (guarantee > limit)
      problems.push(`${at}.guarantee is ${guarantee}; it must be at most ${at}.limit (${limit})`)
    if (inUse > leased) problems.push(`${at}.inUse is ${inUse}; it must be at most ${at}.leased (${leased})`)
    const over = firstBeyond(
      supply.map(({ bundles }) => bundles),
      inUse,
    )
    if (over !== null)
      problems.push(
        `${at}.supply[${over}].bundles is ${supply[over].bundles}; all groups of ${id} together must be at most what is in use, ${at}.inUse (${inUse})`,
      )
    return problems
  })
}

function poolProblems(pool: PreemptionSnapshot['pool'], engines: Engines): string[] {
  if (pool.free > pool.bundles)
    return [`pool.free is ${pool.free}; it must be at most pool.bundles (${pool.bundles})`]
  const leased = engines.map((engine) => engine.leased)
  const over = firstBeyond(leased, pool.bundles - pool.free)
  return over === null
    ? []
    : [
        `engines[${over}].leased is ${leased[over]}; all leases and pool.free (${pool.free}) together must be at most pool.bundles (${pool.bundles})`,
      ]
}

function requestProblems(request: PreemptionSnapshot['request'], engines: Engines): string[] {
  const { engine, bundles, minBundles = bundles } = request
  const problems: string[] = []
  if (!engines.some(({ id }) => id === engine))
    problems.push(
      `request.engine is "${engine}"; it must be the id of an engine: ${engines.map(({ id }) => id).join(', ')}`,
    )
  if (minBundles > bundles)
    problems.push(`request.minBundles is ${minBundles}; it must be at most request.bundles (${bundles})`)
  return problems
}

/** Position of the number with which the sum passes `most`; null when it never does. Subtracts, so that no sum passes 2^53. */
function firstBeyond(numbers: readonly number[], most: number): number | null {
  let room = most
  for (const [i, number] of numbers.entries()) {
    if (number > room) return i
    room -= number
  }
  return null
}
