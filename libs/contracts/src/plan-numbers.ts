import { z } from 'zod'

// Numbers of snapshots for `kvasir plan`. JSON keeps whole numbers exactly up to 2^53 - 1, so nothing above it is taken.

/** A number of tokens, bundles or microseconds. */
export function countSchema(what: string): z.ZodInt {
  return z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe(`${what}; at most 2^53 - 1`)
}

/** A number of which there is at least one. */
export function positiveSchema(what: string): z.ZodInt {
  return z.int().min(1).max(Number.MAX_SAFE_INTEGER).describe(`${what}; at most 2^53 - 1`)
}

export const planIdSchema = z.string().min(1)

export const planWeightSchema = positiveSchema('share of what is left over')
