import type { Budget } from './messages.js'

/** Rounds without a newer document during which a budget keeps its full value. */
export const BUDGET_HOLD_ROUNDS = 6

/**
 * Tokens an engine may schedule in the `round`-th round since the heartbeat that its newest document answers: in full for
 * the first rounds, then halved towards the floor every second round, the floor alone once the lease is over. Engine and
 * owner use this one function, so that the owner knows what a silent engine could still spend (law S2).
 */
export function effectiveBudget(
  budget: Budget,
  roundsSilent: number,
  leased: boolean,
): { tokens: number; lentTokens: number } {
  if (!leased) return { tokens: budget.floor, lentTokens: 0 }
  if (roundsSilent <= BUDGET_HOLD_ROUNDS) return { tokens: budget.tokens, lentTokens: budget.lentTokens }
  const factor = 2 ** (-(roundsSilent - BUDGET_HOLD_ROUNDS) / 2)
  const above = Math.floor(Math.max(0, budget.tokens - budget.floor) * factor)
  return { tokens: Math.min(budget.tokens, budget.floor) + above, lentTokens: 0 }
}
