import type { RequestRecord } from '@kvasir/workload'

/** Live engines without a tokeniser take four bytes for a token (`apps/engine/src/text/tokens.ts`). */
const BYTES_PER_TOKEN = 4
const FILLER = 'lorem ipsum dolor sit amet '

/**
 * A prompt of exactly so many tokens. Requests whose records share prefix blocks begin with the same text, as far as these go; no two
 * are alike otherwise.
 */
export function promptText({ id, promptTokens, prefixBlocks, prefixBlockTokens }: RequestRecord): string {
  const blockBytes = BYTES_PER_TOKEN * prefixBlockTokens
  const prefix = (prefixBlocks ?? []).map((block) => filled(`${block.toString(36)} `, blockBytes)).join('')
  const bytes = BYTES_PER_TOKEN * promptTokens
  if (prefix.length >= bytes) return prefix.slice(0, bytes)
  return prefix + filled(`${id} `, bytes - prefix.length)
}

function filled(text: string, bytes: number): string {
  return text.padEnd(bytes, FILLER).slice(0, bytes)
}
