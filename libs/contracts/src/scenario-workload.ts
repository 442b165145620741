import { z } from 'zod'

/** What a scenario says about its requests: real traces, generators, or both, merged by arrival. */

const share = z.number().min(0)
const positive = z.number().gt(0)
const tokens = z.int().min(1)
const name = z.string().min(1)
const maxOutputTokens = tokens
  .optional()
  .describe('what the clients allow an output to have; longer ones end there. The output itself by default')
const atS = z.number().min(0).describe('seconds from the start of the run')

export const sloSchema = z.strictObject({
  ttftMs: positive.optional().describe('arrival to first token, milliseconds'),
  tpotMs: positive.optional().describe('mean time per output token after the first, milliseconds'),
  e2eMs: positive.optional().describe('arrival to last token, milliseconds'),
})
export type SloTargets = z.infer<typeof sloSchema>

const cv = positive
  .max(100)
  .describe('coefficient of variation of the gaps: 1 is Poisson, more comes in bursts')

/**
 * Gaps between requests and the rate they ride on. On a rate that changes the gaps are Poisson unless `cv` says
 * otherwise.
 */
export const arrivalsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ratePerS: positive }),
  z.strictObject({ kind: z.literal('poisson'), ratePerS: positive }),
  z.strictObject({ kind: z.literal('gamma'), ratePerS: positive, cv }),
  z.strictObject({ kind: z.literal('weibull'), ratePerS: positive, cv }),
  z
    .strictObject({
      kind: z.literal('mmpp'),
      states: z
        .array(
          z.strictObject({
            ratePerS: share,
            meanStayS: positive.describe('mean time in the state, seconds'),
          }),
        )
        .min(1)
        .readonly(),
      cv: cv.optional(),
    })
    .describe('Markov-modulated: states visited in turn, each for an exponential time'),
  z
    .strictObject({
      kind: z.literal('flash-crowd'),
      ratePerS: positive.describe('rate before and long after'),
      peakRatePerS: positive.describe('rate from `atS` on; at least ratePerS'),
      atS,
      holdS: z.number().min(0).default(0).describe('how long the peak lasts, seconds'),
      decayS: z.number().min(0).describe('time in which the excess then falls to 1/e, seconds'),
      cv: cv.optional(),
    })
    .describe('a step up that decays'),
  z
    .strictObject({
      kind: z.literal('diurnal'),
      ratePerS: positive.describe('mean rate'),
      amplitude: z.number().min(0).max(1).default(0.5).describe('swing as a share of the mean'),
      periodS: positive.default(86_400).describe('length of a day, seconds'),
      peakS: atS.default(0).describe('time of the first peak, seconds'),
      cv: cv.optional(),
    })
    .describe('a cosine around the mean rate'),
  z
    .strictObject({
      kind: z.literal('curve'),
      points: z
        .array(z.strictObject({ atS, ratePerS: share }))
        .min(1)
        .readonly(),
      periodS: positive.optional().describe('the curve repeats after it, seconds'),
      cv: cv.optional(),
    })
    .describe('a rate that is linear between points'),
  z
    .strictObject({
      kind: z.literal('replay'),
      file: name.describe('trace whose arrival times are used, relative to the scenario'),
      format: name.optional(),
      rateScale: positive.default(1).describe('2 makes it twice as fast'),
    })
    .describe("a trace's arrivals with other lengths"),
  z
    .strictObject({
      kind: z.literal('closed-loop'),
      users: z.int().min(1).describe('requests under way at any time, from the start on'),
      thinkMs: z
        .number()
        .min(0)
        .default(0)
        .describe("from the end of a request to its user's next, milliseconds"),
      startEveryMs: z
        .number()
        .min(0)
        .default(0)
        .describe('users begin one after another, so much apart; 0: all at once, milliseconds'),
    })
    .describe('each user sends its next request when its last one has ended, as clients of benchmarks do'),
])
export type ArrivalsSpec = z.infer<typeof arrivalsSchema>

/** Tokens of a prompt or an output; drawn values are rounded and kept within `min` and `max`. */
export const lengthsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fixed'), tokens }),
  z.strictObject({ kind: z.literal('uniform'), min: tokens, max: tokens }),
  z.strictObject({
    kind: z.literal('log-normal'),
    median: positive.describe('median, tokens'),
    sigma: share.describe('standard deviation of the natural logarithm'),
    min: tokens.default(1),
    max: tokens.optional(),
  }),
  z
    .strictObject({ kind: z.literal('pareto'), alpha: positive, min: tokens, max: tokens })
    .describe('bounded Pareto: a smaller alpha has a heavier tail'),
  z.strictObject({
    kind: z.literal('bimodal'),
    short: z.strictObject({ median: positive, sigma: share }),
    long: z.strictObject({ median: positive, sigma: share }),
    longShare: z.number().min(0).max(1),
    min: tokens.default(1),
    max: tokens.optional(),
  }),
  z.strictObject({ kind: z.literal('empirical'), values: z.array(tokens).min(1).readonly() }),
  z
    .strictObject({ kind: z.literal('file'), file: name, max: tokens.optional() })
    .describe("drawn from a trace's or a lengths file's own column, relative to the scenario"),
  z
    .strictObject({
      kind: z.literal('fitted'),
      trace: name.describe('a trace that the defaults were fitted to'),
    })
    .describe('log-normal, fitted to a real trace'),
])
export type LengthsSpec = z.infer<typeof lengthsSchema>

const sharesSchema = z.record(name, share).describe('model name to share; shares need not add up to 1')

export const traceSpecSchema = z.strictObject({
  file: name.describe('path relative to the scenario, or absolute; .gz is read too'),
  format: name.optional().describe('recognised from the file when left out'),
  models: z.record(name, name).optional().describe('model name in the trace to model name in the scenario'),
  deal: sharesSchema.optional().describe('how requests without a model are dealt out: model name to share'),
  rateScale: positive.default(1).describe('2 makes arrivals twice as fast'),
  limit: z.int().min(1).optional().describe('requests read at most, from the start of the file'),
  repeat: z.int().min(1).default(1).describe('times the trace is played, end to end with shifted times'),
  startS: atS.default(0).describe('when it begins, seconds from the start of the run'),
  priority: z.number().optional().describe('of every request, instead of what the trace says'),
  maxOutputTokens,
})
export type TraceSpec = z.infer<typeof traceSpecSchema>

export const generatorSpecSchema = z.strictObject({
  name: name.optional().describe('prefix of its request ids; unique within the scenario'),
  model: name.optional().describe('model that all of its requests ask for; or else `mix`'),
  mix: z
    .array(z.strictObject({ atS, shares: sharesSchema }))
    .min(1)
    .readonly()
    .optional()
    .describe('models over time: shares are interpolated between the given times'),
  arrivals: arrivalsSchema,
  lengths: z.strictObject({ prompt: lengthsSchema, output: lengthsSchema }),
  systemPrompt: z
    .strictObject({
      tokens: tokens.describe('in front of what lengths.prompt says'),
      variants: tokens.max(1000).default(1).describe('different ones, drawn alike'),
    })
    .optional()
    .describe('the same first tokens for all requests; the prefix cache may have them'),
  startS: atS.default(0).describe('when it begins; times of its rate and its mix count from there'),
  endS: positive.optional().describe('no request arrives after it, seconds from the start of the run'),
  maxOutputTokens,
  requests: z.int().min(1).optional().describe('requests generated at most'),
  priorities: z
    .array(z.strictObject({ priority: z.number(), share }))
    .min(1)
    .readonly()
    .optional(),
  tenants: z
    .array(
      z.strictObject({
        tenant: name,
        share,
        weight: positive
          .optional()
          .describe('of its requests in the order wsrpt and weighted-fifo, of itself in fair; 1 by default'),
      }),
    )
    .min(1)
    .readonly()
    .optional(),
  deadlines: z
    .strictObject({
      withinS: positive.describe('deadline after arrival, seconds'),
      perOutputTokenMs: share.default(0).describe('and this much later for every token of output'),
      share: z.number().min(0).max(1).default(1).describe('share of the requests that have one'),
    })
    .optional(),
})
export type GeneratorSpec = z.infer<typeof generatorSpecSchema>

export const workloadSpecSchema = z.strictObject({
  traces: z.array(traceSpecSchema).readonly().default([]),
  generators: z.array(generatorSpecSchema).readonly().default([]),
  requests: z.int().min(1).optional().describe('requests taken at most, of all sources together'),
  rateScale: positive
    .optional()
    .describe(
      '2 makes requests arrive twice as often: rates of generators, and the time of traces; 1 by default',
    ),
})
export type WorkloadSpec = z.infer<typeof workloadSpecSchema>
