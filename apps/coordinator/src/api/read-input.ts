import { parseDocument } from '@kvasir/contracts'
import type { Schema } from '@kvasir/platform'
import type { Basis } from '../desk/model-desk.js'
import { Refusal } from '../desk/refusal.js'

/** Decisions that are told of each pool. */
export const DECISIONS_USUAL = 100
export const DECISIONS_MOST = 20_000

/** @throws {Refusal} 400 naming each field, its value and what would be right. */
export function bodyAs<T>(schema: Schema<T>, body: unknown): T {
  const parsed = parseDocument(schema, body ?? {})
  if (parsed.kind === 'parsed') return parsed.value
  throw Refusal.badInput(parsed.problems.join('; '))
}

/** The revision of `If-Match`: a number, with or without quotes; `*` or none: whatever it is. @throws {Refusal} */
export function basisIn(ifMatch: string | undefined): Basis {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  const found = /^(?:W\/)?"?(\d{1,15})"?$/.exec(ifMatch.trim())
  if (found) return Number(found[1])
  throw Refusal.badInput(`If-Match is ${ifMatch}; it must be a revision such as "3", or be left out`)
}

/** @throws {Refusal} when it is no whole number from 1 to `most`. */
export function countIn(field: string, text: string | undefined, usual: number, most: number): number {
  if (text === undefined) return usual
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count
  throw Refusal.badInput(`${field} is ${JSON.stringify(text)}; it must be a whole number from 1 to ${most}`)
}

/** @throws {Refusal} when no pool has this name. */
export function poolIn(pool: string | undefined, pools: readonly string[]): readonly string[] {
  if (pool === undefined) return pools
  if (pools.includes(pool)) return [pool]
  throw Refusal.badInput(`pool is ${JSON.stringify(pool)}; it must be one of ${pools.join(', ')}`)
}
