import { completionSchema } from '@kvasir/contracts'
import { type Completion, completionIn } from '@kvasir/wire'
import { unservedModel } from '../api/openai-error.js'
import { newRequestId, parsedAs } from '../api/request.js'
import type { Ask } from '../engine.js'
import { promptTokens } from '../text/tokens.js'

/** A client's request as it was read. */
export interface Read {
  readonly ask: Ask
  readonly requestId: string
}

/** @param served name of the engine's model. @throws {OpenAiError} 400 or 404, naming the field. */
export function readCompletion(completion: Completion | undefined, served: string): Read {
  const said = parsedAs(completionSchema, completionIn(completion))
  if (said.model !== served) throw unservedModel(said.model, served)
  const { prompt, max_tokens, stop, priority, deadline_ms, tenant, request_id } = said
  return {
    ask: {
      prompt: promptTokens(prompt),
      maxTokens: max_tokens,
      stops: stop,
      priority,
      deadlineMs: deadline_ms,
      tenant,
    },
    requestId: request_id ?? newRequestId(),
  }
}
