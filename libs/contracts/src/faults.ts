import { z } from 'zod'

/** What breaks in a simulated run, and when: `faults` of a scenario. Times are seconds of the run. */
const seconds = z.number().min(0)

const when = {
  atS: seconds.optional().describe('when it happens, seconds; or else `ratePerHour`'),
  ratePerHour: z
    .number()
    .gt(0)
    .optional()
    .describe('how often it happens: at random, with this mean number in an hour'),
}

const target = (of: string) =>
  z.string().min(1).optional().describe(`${of}, or * for every one; drawn from the seed by default`)

export const faultSpecSchema = z.discriminatedUnion('kind', [
  /** Counted and measured like the others: what a run without faults shows between two moments. */
  z.strictObject({
    kind: z.literal('none').describe('nothing breaks: the yardstick of the others'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('coordinator').describe('the process that owns a pool dies'),
    ...when,
    target: target('id of the pool'),
    forS: seconds
      .optional()
      .describe('there is no standby: a process starts again so much later; by default one stands by'),
  }),
  z.strictObject({
    kind: z.literal('engine').describe('the process of an engine dies'),
    ...when,
    target: target('id of the engine, such as chat@left'),
    restartS: seconds.default(1).describe('until its process starts again'),
    loadS: seconds
      .optional()
      .describe('until it has its weights; by default what they take from host memory over the link'),
  }),
  z.strictObject({
    kind: z
      .literal('group')
      .describe('a TP group loses its GPUs, with all that is computed and kept on them'),
    ...when,
    target: target('id of the pool'),
    forS: seconds.optional().describe('until it is back, without weights; by default it never is'),
    loadS: seconds
      .optional()
      .describe('until an engine has its weights; by default what they take from host memory over the link'),
  }),
  z.strictObject({
    kind: z.literal('store').describe('the store of all owners (Redis) cannot be reached'),
    ...when,
    forS: seconds.describe('until it is back'),
    data: z.enum(['kept', 'lost']).default('kept').describe('whether it has what it was told before'),
  }),
])
export type FaultSpec = z.infer<typeof faultSpecSchema>
export type FaultKind = FaultSpec['kind']

/** What no single field can show to be wrong. */
export function faultContradictions(faults: readonly FaultSpec[]): string[] {
  return faults.flatMap(({ kind, atS, ratePerHour }, i) => {
    if ((atS === undefined) !== (ratePerHour === undefined)) return []
    const what = atS === undefined ? 'says neither atS nor ratePerHour' : 'says atS and ratePerHour'
    return [`faults[${i}] (${kind}) ${what}; it must have exactly one of them`]
  })
}
