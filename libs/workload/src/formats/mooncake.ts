import { MICROS_PER_MILLI } from '@kvasir/kernel'
import type { RequestRecord } from '../request.js'
import type { JsonFields } from './json-fields.js'
import type { JsonLayout } from './json-trace.js'

/** kvcache-ai/Mooncake, FAST25-release: "hash_ids" are remapped hashes of blocks of 512 tokens, chained. */
export const MOONCAKE_BLOCK_TOKENS = 512

const MILLIS = { name: 'milliseconds', micros: MICROS_PER_MILLI }

/**
 * Mooncake's JSONL, as published (`timestamp`, `input_length`, `output_length`, `hash_ids`) and normalised
 * (`t_ms`, `prompt_tokens`, `output_tokens`, `hash_ids`). Zero tokens are raised to one and counted; the
 * published files have none.
 */
export const mooncakeLayout: JsonLayout = {
  arrivalField,
  request(fields: JsonFields, row: number): RequestRecord {
    const promptTokens = fields.tokens(fields.firstOf(['prompt_tokens', 'input_length']), 0)
    const hasBlocks = fields.has('hash_ids')
    return {
      id: `r${row}`,
      arrivalUs: fields.time(arrivalField(fields), MILLIS),
      model: undefined,
      promptTokens,
      outputTokens: fields.tokens(fields.firstOf(['output_tokens', 'output_length']), 0),
      priority: 0,
      tenant: undefined,
      deadlineUs: undefined,
      session: undefined,
      prefixBlocks: hasBlocks ? fields.blocks('hash_ids', MOONCAKE_BLOCK_TOKENS, promptTokens) : undefined,
      prefixBlockTokens: hasBlocks ? MOONCAKE_BLOCK_TOKENS : 0,
    }
  },
}

function arrivalField(fields: JsonFields): string {
  return fields.firstOf(['t_ms', 'timestamp'])
}
