import { parseDocument } from '@kvasir/contracts'
import type { Schema } from '../process/profile.js'

/** What somebody wrote into the store, as what it should be. */
export type ReadText<T> =
  | { readonly kind: 'read'; readonly message: T }
  | { readonly kind: 'unreadable'; readonly problems: readonly string[] }

export function readText<T>(schema: Schema<T>, text: string): ReadText<T> {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { kind: 'unreadable', problems: [`it is not JSON: ${why}`] }
  }
  const parsed = parseDocument(schema, document)
  return parsed.kind === 'parsed'
    ? { kind: 'read', message: parsed.value }
    : { kind: 'unreadable', problems: parsed.problems }
}
