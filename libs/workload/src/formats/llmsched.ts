import { MICROS_PER_MILLI, MICROS_PER_SECOND, type Micros } from '@kvasir/kernel'
import type { RequestRecord } from '../request.js'
import type { JsonFields } from './json-fields.js'
import type { JsonLayout } from './json-trace.js'
import type { ReadTally } from './read-counts.js'

/**
 * Rule of thumb for text whose tokenizer is unknown; kapsl-llm's admission uses the same
 * (shared/reference/prior-systems.md, K24).
 */
const CHARS_PER_TOKEN = 4

const PROMPT_FIELDS = ['prompt_tokens', 'prompt_len', 'prompt'] as const

/**
 * LLMSched's requests.jsonl. Its fields are unpublished (shared/reference/prior-systems.md §1.1 lists what
 * it must carry), so several spellings are read:
 * - arrival: `arrival_us`, `arrival_ms`, `arrival_s`, or `arrival` in seconds; deadline likewise, absolute
 *   in trace time;
 * - prompt: `prompt_tokens`, `prompt_len` (llm-inference-engine-1000.jsonl), or `prompt` as a count, a list
 *   of tokens or text, whose tokens are then estimated and counted as such;
 * - session: `session`, `session_id`, `prefix_id` or `prefix`. Other fields are passed over.
 */
export const llmschedLayout: JsonLayout = {
  arrivalField: (fields) => timeField(fields, 'arrival'),
  request(fields: JsonFields, row: number, tally: ReadTally): RequestRecord {
    const deadline = timeField(fields, 'deadline')
    const request = {
      id: fields.name('id') ?? fields.name('req_id') ?? `r${row}`,
      arrivalUs: readTime(fields, timeField(fields, 'arrival')),
      model: fields.name('model'),
      promptTokens: promptTokens(fields),
      outputTokens: fields.tokens('max_new_tokens'),
      priority: fields.number('priority', 0),
      tenant: fields.name('tenant'),
      deadlineUs: fields.has(deadline) ? readTime(fields, deadline) : undefined,
      session: fields.name(fields.firstOf(['session', 'session_id', 'prefix_id', 'prefix'])),
      prefixBlocks: undefined,
      prefixBlockTokens: 0,
    }
    const isText = typeof fields.raw(fields.firstOf(PROMPT_FIELDS)) === 'string'
    if (isText && fields.problem === undefined) tally.estimatedPrompts++
    return request
  },
}

/** One line of requests.jsonl. Tenant and prefix blocks have no field there and are lost. */
export function writeLlmschedRequest(request: RequestRecord): string {
  const { id, arrivalUs, model, promptTokens, outputTokens, priority, deadlineUs, session } = request
  const fields = {
    id,
    arrival_us: arrivalUs,
    model,
    prompt_tokens: promptTokens,
    max_new_tokens: outputTokens,
    priority,
    deadline_us: deadlineUs,
    session_id: session,
  }
  return `${JSON.stringify(fields)}\n`
}

function promptTokens(fields: JsonFields): number {
  const field = fields.firstOf(PROMPT_FIELDS)
  const value = fields.raw(field)
  if (field !== 'prompt') return fields.tokens(field)
  if (typeof value === 'string' && value !== '') return Math.ceil(value.length / CHARS_PER_TOKEN)
  if (Array.isArray(value) && value.length > 0) return value.length
  return fields.tokens(field)
}

function timeField(fields: JsonFields, name: 'arrival' | 'deadline'): string {
  return fields.firstOf([`${name}_us`, `${name}_ms`, `${name}_s`, name])
}

function readTime(fields: JsonFields, field: string): Micros {
  if (field.endsWith('_us')) return fields.time(field, { name: 'microseconds', micros: 1 })
  if (field.endsWith('_ms')) return fields.time(field, { name: 'milliseconds', micros: MICROS_PER_MILLI })
  return fields.time(field, { name: 'seconds', micros: MICROS_PER_SECOND })
}
