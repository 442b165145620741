import {
  CompletionError,
  type Completion,
  type CompletionEnd,
  type CompletionUsage,
  FinishReason,
} from './generated/kvasir/v1/completion.js'

// What clients and engines say, by how the wire calls it.

/** A completion by the names of its fields, to be read with `completionSchema` of contracts: what is missing is not there. */
export function completionIn(completion: Completion | undefined): Readonly<Record<string, unknown>> {
  if (completion === undefined) return {}
  const { model, prompt, maxTokens, stop, priority, deadlineMs, tenant, requestId } = completion
  const said = {
    priority,
    prompt: prompt?.$case === 'tokenIds' ? prompt.value.ids : prompt?.value,
    max_tokens: maxTokens,
    deadline_ms: deadlineMs,
    tenant,
    request_id: requestId,
  }
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  return { model, stop, ...given }
}

const reasons = { stop: FinishReason.STOP, length: FinishReason.LENGTH } as const

export function wireEnd(finish: keyof typeof reasons, usage: CompletionUsage): CompletionEnd {
  const { promptTokens, cachedTokens, completionTokens } = usage
  return { finish: reasons[finish], usage: { promptTokens, cachedTokens, completionTokens } }
}

/** Key of the trailer that carries an encoded `CompletionError` beside the status of a call. */
export const COMPLETION_ERROR_KEY = 'kvasir-error-bin'

export function completionErrorBytes(error: CompletionError): Buffer {
  return Buffer.from(CompletionError.encode(error).finish())
}

export function completionErrorIn(bytes: Uint8Array): CompletionError {
  return CompletionError.decode(bytes)
}
