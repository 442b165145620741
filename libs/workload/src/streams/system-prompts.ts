import { invariant, SeededRng, type Tokens } from '@kvasir/kernel'
import type { RequestRecord, RequestStream } from '../request.js'

export interface SystemPromptSpec {
  readonly tokens: Tokens
  /** Different prompts of that length, drawn alike. */
  readonly variants: number
  /** Names the random stream, and keeps the prompts apart from those of other sources. */
  readonly name: string
  readonly source: number
}

export const SYSTEM_PROMPT_VARIANTS_MAX = 1000

/** Puts a prompt that many requests share in front of each one's own. Records must come without prefixes. */
export function withSystemPrompts(
  stream: RequestStream,
  spec: SystemPromptSpec,
  seed: number,
): RequestStream {
  const { tokens, variants, name, source } = spec
  invariant(
    variants >= 1 && variants <= SYSTEM_PROMPT_VARIANTS_MAX,
    () => `${variants} system prompts; 1 to ${SYSTEM_PROMPT_VARIANTS_MAX} are possible`,
  )
  const rng = new SeededRng(seed, `${name}/system-prompts`)
  return {
    next(): RequestRecord | undefined {
      const record = stream.next()
      if (record === undefined) return undefined
      invariant(record.prefixBlocks === undefined, () => `request ${record.id} has a prefix already`)
      // Traces count their prefixes from 0 up.
      const id = -1 - (source * SYSTEM_PROMPT_VARIANTS_MAX + rng.int(variants))
      const promptTokens = record.promptTokens + tokens
      return { ...record, promptTokens, prefixBlocks: [id], prefixBlockTokens: tokens }
    },
  }
}
