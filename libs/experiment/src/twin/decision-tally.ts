import type { DecisionRecord, RoundDecisionRecord } from '@kvasir/contracts'

/** What owners of pools decided, added up. */
export interface DecisionTally {
  readonly rounds: number
  /** Rounds in which more was demanded than there is. */
  readonly contended: number
  /** Requests for memory by what became of them: `granted`, `denied: cooldown`, …; in order of name. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Bundles that requests got. */
  readonly bundles: number
  /** By engine, in order of id. */
  readonly budgets: ReadonlyMap<string, BudgetTally>
}

/** One engine's budgets, in the rounds in which it had work: how often an idle owner divides is no decision. */
export interface BudgetTally {
  readonly rounds: number
  /** Means of a round, tokens. */
  readonly demandTokens: number
  readonly tokens: number
  readonly lentTokens: number
  /** Rounds in which it got less than it demanded. */
  readonly short: number
}

/** Budgets that are no answer to work: see `budgetBoundSchema`. */
const IDLE_BOUND = 'wake_up'

export function tallyDecisions(records: readonly DecisionRecord[]): DecisionTally {
  const rounds = records.filter((record) => record.kind === 'round')
  const outcomes = new Map<string, number>()
  let bundles = 0
  for (const record of records) {
    if (record.kind !== 'end') continue
    const { outcome } = record.answer
    const name = outcome.kind === 'denied' ? `denied: ${outcome.reason}` : outcome.kind
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
    if (outcome.kind === 'granted' || outcome.kind === 'granted_partial') bundles += outcome.bundles
  }
  return {
    rounds: rounds.length,
    contended: rounds.filter(({ answer }) => answer.contended).length,
    outcomes: sorted(outcomes),
    bundles,
    budgets: budgetsOf(rounds),
  }
}

function budgetsOf(rounds: readonly RoundDecisionRecord[]): ReadonlyMap<string, BudgetTally> {
  const sums = new Map<
    string,
    { rounds: number; demand: number; tokens: number; lent: number; short: number }
  >()
  for (const { engines, answer } of rounds) {
    engines.forEach(([engine, , , , , , , demand], i) => {
      const [tokens, lent, , bound] = answer.shares[i]
      if (demand === 0 || bound === IDLE_BOUND) return
      const sum = sums.get(engine) ?? { rounds: 0, demand: 0, tokens: 0, lent: 0, short: 0 }
      sums.set(engine, {
        rounds: sum.rounds + 1,
        demand: sum.demand + demand,
        tokens: sum.tokens + tokens,
        lent: sum.lent + lent,
        short: sum.short + (tokens < demand ? 1 : 0),
      })
    })
  }
  const means = [...sums].map(
    ([engine, sum]) =>
      [
        engine,
        {
          rounds: sum.rounds,
          demandTokens: sum.demand / sum.rounds,
          tokens: sum.tokens / sum.rounds,
          lentTokens: sum.lent / sum.rounds,
          short: sum.short,
        },
      ] as const,
  )
  return sorted(new Map(means))
}

function sorted<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
