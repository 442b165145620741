import type { RoundEngine, RoundInput } from './round-input.js'

/**
 * Whether a round would decide from the same as another: all but the fractions of tokens that are carried from round to round. These move
 * budgets by a token, for ever.
 */
export function sameButCarry(a: RoundInput, b: RoundInput): boolean {
  return (
    a.policy === b.policy &&
    a.settings === b.settings &&
    a.bundles === b.bundles &&
    a.quarantined === b.quarantined &&
    a.free === b.free &&
    a.engines.length === b.engines.length &&
    a.engines.every((engine, i) => sameEngine(engine, b.engines[i]))
  )
}

/** Which fields there are is checked where it is compiled: a new one must be compared too. */
const fields = {
  engine: true,
  model: true,
  liveness: true,
  demandTokens: true,
  tokensPerSecond: true,
  unitsPerToken: true,
  floorTokens: true,
  leasedBundles: true,
  inUseBundles: true,
  demandBundles: true,
} satisfies Record<Exclude<keyof RoundEngine, 'terms'>, true>
const compared = Object.keys(fields) as readonly (keyof typeof fields)[]

function sameEngine(a: RoundEngine, b: RoundEngine): boolean {
  for (const field of compared) if (a[field] !== b[field]) return false
  return a.terms === b.terms || sameTerms(a.terms, b.terms)
}

/** Terms under a weight of the cluster's are made anew for each round. */
function sameTerms(a: RoundEngine['terms'], b: RoundEngine['terms']): boolean {
  return a.weight === b.weight && a.guarantee === b.guarantee && a.limit === b.limit && a.group === b.group
}
