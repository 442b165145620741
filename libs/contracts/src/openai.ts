import { z } from 'zod'

/**
 * What clients of the OpenAI API ask of an engine or a gateway (platform.openai.com/docs/api-reference, completions and chat). Fields
 * that only steer sampling are let through and ignored: decoding is greedy. What would change the shape of the answer is refused.
 */
const tokenId = z.int().min(0).max(0x7fffffff)
export const tokenIdsSchema = z.array(tokenId).min(1).readonly()

const shared = {
  model: z.string().min(1).describe('a model that is served'),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1).nullish().describe('one answer a request'),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(4).readonly()])
    .nullish()
    .describe('texts at which the output ends'),
  logprobs: z
    .union([z.literal(false), z.literal(0)])
    .nullish()
    .describe('none are given'),
}

const maxTokens = z.int().min(1).nullish().describe('most tokens of output')

export const completionRequestSchema = z.looseObject({
  ...shared,
  prompt: z
    .union([
      z.string(),
      z.array(z.string()).length(1).readonly(),
      tokenIdsSchema,
      z.array(tokenIdsSchema).length(1).readonly(),
    ])
    .describe('one text, or the token ids of one'),
  max_tokens: maxTokens,
  best_of: z.literal(1).nullish(),
  echo: z.literal(false).nullish(),
  suffix: z.literal('').nullish(),
})
export type CompletionRequest = z.infer<typeof completionRequestSchema>

const textPart = z.looseObject({ type: z.literal('text'), text: z.string() })

export const chatMessageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z
    .union([z.string(), z.array(textPart).readonly()])
    .nullish()
    .describe('a text, or parts that are texts'),
})
export type ChatMessage = z.infer<typeof chatMessageSchema>

export const chatRequestSchema = z.looseObject({
  ...shared,
  messages: z.array(chatMessageSchema).min(1).readonly(),
  max_tokens: maxTokens,
  max_completion_tokens: maxTokens,
})
export type ChatRequest = z.infer<typeof chatRequestSchema>

/** Headers with which a request says what it is worth. */
export const requestHeadersSchema = z.object({
  'x-priority': z.coerce
    .number()
    .optional()
    .describe('higher runs first; without it a request has the priority of its model'),
  'x-deadline-ms': z.coerce.number().gt(0).optional().describe('ms from now until its first token is due'),
  'x-tenant': z.string().min(1).optional().describe('on whose behalf it is made'),
  'x-request-id': z.string().min(1).max(200).optional().describe('given back with the answer'),
})
export type RequestHeaders = z.infer<typeof requestHeadersSchema>

/** The body of every answer that is an error. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    /** The field that is to blame. */
    readonly param: string | null
    readonly code: string | null
  }
}
