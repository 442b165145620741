import { z } from 'zod'
import { completionRequestSchema, requestHeadersSchema, tokenIdsSchema } from './openai.js'

const {
  'x-deadline-ms': deadline,
  'x-tenant': tenant,
  'x-request-id': requestId,
} = requestHeadersSchema.shape

/** A completion as clients ask for it over gRPC, by the names of its fields there (proto/kvasir/v1/completion.proto). */
export const completionSchema = z.strictObject({
  model: completionRequestSchema.shape.model,
  prompt: z.union([z.string(), tokenIdsSchema]).describe('one text, or the token ids of one'),
  max_tokens: z.int().min(1).optional().describe('most tokens of output'),
  stop: z.array(z.string().min(1)).max(4).readonly().describe('at most four texts at which the output ends'),
  priority: z
    .number()
    .optional()
    .describe('higher runs first; without it a request has the priority of its model'),
  deadline_ms: deadline,
  tenant,
  request_id: requestId,
})
export type CompletionSaid = z.infer<typeof completionSchema>
