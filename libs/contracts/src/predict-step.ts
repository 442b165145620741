import { z } from 'zod'
import { dtypeSchema, hostPresetNameSchema } from './scenario.js'

const name = z.string().min(1)
const atLeastOne = z.int().min(1).max(1_000_000_000)

const decodeGroupSchema = z.strictObject({
  sequences: atLeastOne.describe('sequences that get one token each'),
  contextTokens: atLeastOne.describe('tokens each of them sees, its own included'),
})

const chunkSchema = z.strictObject({
  tokens: atLeastOne.describe('prompt tokens computed'),
  computedTokens: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(0)
    .describe('tokens of the same prompt computed before'),
})

/** One line of what `kvasir predict step --input` reads. */
export const stepQuestionSchema = z.strictObject({
  gpu: name.describe('GPU in the catalogue, such as h100'),
  model: name.describe('model in the catalogue, such as llama-3.1-70b'),
  tp: atLeastOne.describe('GPUs in the group'),
  dtype: dtypeSchema.optional().describe("format of the weights; the checkpoint's by default"),
  kvDtype: dtypeSchema.optional().describe("format of the KV cache; the checkpoint's by default"),
  host: hostPresetNameSchema.default('vllm-async').describe('CPU cost of a step'),
  basis: z.enum(['profile', 'roofline']).default('profile').describe('roofline leaves measurements out'),
  decode: z.array(decodeGroupSchema).readonly().default([]),
  prefill: z.array(chunkSchema).readonly().default([]),
})
export type StepQuestion = z.infer<typeof stepQuestionSchema>

const micros = z.number().min(0)

/** One line of what it answers. */
export const stepAnswerSchema = z.strictObject({
  gpu: name,
  model: name,
  tp: atLeastOne,
  host: name,
  source: z.enum(['profile', 'nearest_profile', 'roofline']).describe('what knew the times'),
  sourceGpu: name.nullable().describe('GPU that was measured; null for a roofline'),
  us: micros.describe('time of the step, microseconds: the sum of its parts'),
  parts: z
    .strictObject({
      layersUs: micros.describe('products and small kernels of all layers'),
      attentionUs: micros,
      communicationUs: micros.describe('all-reduces'),
      headUs: micros.describe('vocabulary and sampling'),
      hostUs: micros.describe('what the CPU adds'),
    })
    .describe('add up to us'),
  computeUs: micros.describe("its arithmetic alone at the data sheet's peak"),
  memoryUs: micros.describe("its memory traffic alone at the data sheet's peak"),
  tokens: z.int().min(0).describe('tokens computed'),
})
export type StepAnswer = z.infer<typeof stepAnswerSchema>
