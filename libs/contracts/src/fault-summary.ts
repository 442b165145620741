import { z } from 'zod'

/** `faults` of `summary.json`: what faults did to a run. Only where the scenario has some. */
const count = z.int().min(0)
const micros = z.number().min(0)

const times = {
  ownedUs: 'until every pool had an owner again; of a fault that took none, 0',
  budgetsUs: 'until every engine it touched had a budget again, from an owner who came after it',
  goodputUs:
    'until goodput over 5 s was back at 95 % of the 20 s before; 0 when it fell no lower within 30 s. Where few requests end, chance does as much: see the faults of kind none',
}
const hurt = {
  retried: count.describe('requests that lost their engine before the first token, and were sent to another'),
  lost: count.describe('requests that lost their engine after it, or found no other in time'),
  missed: count.describe(
    'requests under way when it happened, or come before goodput was back, that did not finish within their SLOs, for whatever reason',
  ),
}
const DEFICIT =
  'requests that met their SLOs in the 30 s after it, counted as those missing from the rate of the 20 s before it; null when the run ended sooner'

const time = (meaning: string) => micros.nullable().describe(`${meaning}; null when that did not come`)
const spread = (meaning: string) =>
  z
    .strictObject({
      count: count.describe('of how many faults it is known'),
      mean: micros.nullable(),
      max: micros.nullable(),
    })
    .describe(meaning)

export const faultRecordSchema = z.strictObject({
  kind: z.enum(['none', 'coordinator', 'engine', 'group', 'store']),
  target: z.string().describe('engine or pool; * for all of them, empty where there is only one'),
  atUs: micros,
  ownedUs: time(times.ownedUs),
  budgetsUs: time(times.budgetsUs),
  goodputUs: time(times.goodputUs),
  deficit: z.number().nullable().describe(DEFICIT),
  ...hurt,
})
export type FaultRecordSummary = z.infer<typeof faultRecordSchema>

export const faultSummarySchema = z.strictObject({
  injected: count.describe('faults; one that finds its target broken already is none'),
  ...hurt,
  ownedUs: spread(times.ownedUs),
  budgetsUs: spread(times.budgetsUs),
  goodputUs: spread(times.goodputUs),
  deficit: z.number().nullable().describe(`mean of the faults: ${DEFICIT}`),
  list: z.array(faultRecordSchema).readonly().describe('each of them, in the order of time'),
})
export type FaultSummary = z.infer<typeof faultSummarySchema>
