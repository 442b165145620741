import { z } from 'zod'
import { dtypeSchema } from './scenario.js'

/**
 * What was measured on one kind of GPU, as `tools/calibrate` writes it and `--profile` reads it. libs/hardware/src/profiles/README.md
 * says what the tables mean.
 */
const name = z.string().min(1)
const atLeastOne = z.int().min(1)
const positive = z.number().gt(0)
const wholeNumbers = z.string().regex(/^-?\d+( -?\d+)*$/)

const ascendingSchema = z
  .array(positive)
  .min(1)
  .readonly()
  .refine((knots) => knots.every((knot, i) => i === 0 || knot > knots[i - 1]), {
    error: 'it must ascend, each number once',
  })

const ratioTableSchema = z
  .strictObject({
    axes: z
      .array(z.strictObject({ name, knots: ascendingSchema }))
      .min(1)
      .readonly(),
    rows: z
      .array(wholeNumbers)
      .readonly()
      .describe('whole numbers with a space between: 200 times the logarithm of measured over roofline'),
  })
  .refine(
    ({ axes, rows }) => {
      const width = axes.at(-1)?.knots.length ?? 0
      const count = axes.slice(0, -1).reduce((product, axis) => product * axis.knots.length, 1)
      return rows.length === count && rows.every((row) => row.split(' ').length === width)
    },
    {
      error:
        'it must have one row for each combination of knots but the last axis, and in each a number for every knot of that',
    },
  )

const fitSchema = z.strictObject({
  points: z.int().min(0),
  error: z.number().min(0).describe('mean absolute error on them, as a share'),
})

const measuredSchema = z.strictObject({ fit: fitSchema, table: ratioTableSchema })

const attentionProfileSchema = z.strictObject({
  headDim: atLeastOne,
  kvDtype: dtypeSchema,
  ...measuredSchema.shape,
})

const expertProfileSchema = z.strictObject({
  dtype: dtypeSchema,
  hiddenSize: atLeastOne,
  intermediateSize: atLeastOne,
  experts: atLeastOne,
  expertsPerToken: atLeastOne,
  tp: atLeastOne,
  ep: atLeastOne,
  even: wholeNumbers,
  skewed: wholeNumbers,
})

export const kernelProfileSchema = z.strictObject({
  gpu: name.describe('GPU in the catalogue, such as H100'),
  measuredWith: name,
  source: name,
  fittedOn: name,
  products: z.array(z.strictObject({ dtype: dtypeSchema, ...measuredSchema.shape })).readonly(),
  decodeAttention: z.array(attentionProfileSchema).readonly(),
  prefillAttention: z.array(attentionProfileSchema).readonly(),
  experts: z.strictObject({
    fit: fitSchema,
    tokens: ascendingSchema,
    layers: z.array(expertProfileSchema).readonly(),
  }),
  allReduce: z.array(z.strictObject({ gpus: z.int().min(2), ...measuredSchema.shape })).readonly(),
  smallKernels: measuredSchema.optional(),
  copies: z.strictObject({ fixedUs: z.number().min(0), bytesPerSecond: positive, fit: fitSchema }).optional(),
})

const timed = { us: positive.describe('median'), spread: z.number().min(0).describe('share of the median') }

/** One line of what `tools/calibrate/measure.py` prints: first what it ran on, then points. */
export const calibrationLineSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('device'),
    name: name.describe('as the driver calls it'),
    gpus: atLeastOne,
    multiprocessors: atLeastOne,
    memoryBytes: atLeastOne,
    torch: name,
    cuda: name,
    attention: name.describe('whose kernels'),
  }),
  z.strictObject({
    kind: z.literal('product'),
    dtype: dtypeSchema,
    outputs: atLeastOne,
    inputs: atLeastOne,
    tokens: atLeastOne,
    ...timed,
  }),
  z.strictObject({
    kind: z.enum(['decode_attention', 'prefill_attention']),
    kvDtype: dtypeSchema,
    headDim: atLeastOne,
    queryHeads: atLeastOne,
    kvHeads: atLeastOne,
    sequences: atLeastOne,
    tokens: atLeastOne,
    ...timed,
  }),
  z.strictObject({ kind: z.literal('all_reduce'), gpus: z.int().min(2), bytes: atLeastOne, ...timed }),
  z.strictObject({ kind: z.literal('copy'), direction: z.enum(['out', 'in']), bytes: atLeastOne, ...timed }),
])
export type CalibrationLine = z.infer<typeof calibrationLineSchema>
