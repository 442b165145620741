import type { RequestRecord } from '../request.js'
import type { JsonFields, JsonObject } from './json-fields.js'
import type { JsonLayout } from './json-trace.js'
import { badValue } from './problem.js'
import { NOTHING } from './push-reader.js'

const FORMAT = 'kvasir-requests'
const VERSION = 1
const MICROS = { name: 'microseconds', micros: 1 }

const FIELDS: ReadonlySet<string> = new Set([
  'id',
  'arrival_us',
  'model',
  'prompt_tokens',
  'output_tokens',
  'priority',
  'tenant',
  'deadline_us',
  'session',
  'prefix_blocks',
  'prefix_block_tokens',
])

/**
 * Kvasir's own JSONL: RequestRecord in snake_case, what is undefined left out, after an optional first line
 * that names format and version. Other fields are refused, so that a misspelt one is not lost silently.
 */
export const kvasirLayout: JsonLayout = {
  arrivalField: () => 'arrival_us',
  header(object: JsonObject, line: number) {
    if (!isKvasirHeader(object)) return 'not_a_header'
    const { version } = object
    if (version === VERSION) return NOTHING
    return {
      kind: 'fatal',
      problem: badValue(line, 'version', String(version), `${VERSION}, the version read here`),
    }
  },
  request(fields: JsonFields, row: number): RequestRecord {
    fields.only(FIELDS)
    const promptTokens = fields.tokens('prompt_tokens')
    const hasBlocks = fields.has('prefix_blocks')
    const prefixBlockTokens = hasBlocks ? fields.tokens('prefix_block_tokens') : 0
    return {
      id: fields.name('id') ?? `r${row}`,
      arrivalUs: fields.time('arrival_us', MICROS),
      model: fields.name('model'),
      promptTokens,
      outputTokens: fields.tokens('output_tokens'),
      priority: fields.number('priority', 0),
      tenant: fields.name('tenant'),
      deadlineUs: fields.has('deadline_us') ? fields.time('deadline_us', MICROS) : undefined,
      session: fields.name('session'),
      prefixBlocks: hasBlocks ? fields.blocks('prefix_blocks', prefixBlockTokens, promptTokens) : undefined,
      prefixBlockTokens,
    }
  },
}

export function isKvasirHeader(object: JsonObject): boolean {
  return object['format'] === FORMAT
}

/** The first line of a file of requests. */
export function writeKvasirHeader(): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`
}

/** One line; reading it back gives an equal record. */
export function writeKvasirRequest(request: RequestRecord): string {
  const { id, arrivalUs, model, promptTokens, outputTokens, priority, tenant, deadlineUs, session } = request
  const { prefixBlocks, prefixBlockTokens } = request
  const fields = {
    id,
    arrival_us: arrivalUs,
    model,
    prompt_tokens: promptTokens,
    output_tokens: outputTokens,
    priority,
    tenant,
    deadline_us: deadlineUs,
    session,
    prefix_blocks: prefixBlocks,
    prefix_block_tokens: prefixBlocks === undefined ? undefined : prefixBlockTokens,
  }
  return `${JSON.stringify(fields)}\n`
}
