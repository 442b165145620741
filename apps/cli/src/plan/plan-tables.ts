import type { BudgetPlan, BudgetSnapshot, PreemptionPlan } from '@kvasir/contracts'
import { renderTable } from '@kvasir/report'

/** Budgets for people: an engine a line, then what limits them. */
export function budgetsText(
  { engines }: BudgetSnapshot,
  { budgets, lambda, conditions }: BudgetPlan,
): string {
  const amount = (value: number | undefined) =>
    value === undefined ? 'unlimited' : value.toLocaleString('en')
  const table = renderTable({
    header: ['engine', 'weight', 'guarantee', 'limit', 'demand', 'tokens'],
    align: ['left', 'right', 'right', 'right', 'right', 'right'],
    rows: budgets.map(({ engine, tokens }, i) => [
      engine,
      String(engines[i].weight),
      amount(engines[i].guarantee),
      amount(engines[i].limit),
      amount(engines[i].demand),
      amount(tokens),
    ]),
  })
  const level = lambda === null ? 'nobody is limited by the others' : `limited at ${lambda} tokens per weight`
  return [table.trimEnd(), '', level, ...conditions.map((condition) => `condition: ${condition}`), ''].join(
    '\n',
  )
}

/** An answer for people: the sentence, whose work stops, and what would have changed it. */
export function preemptionText(plan: PreemptionPlan): string {
  const { outcome, reason, explanation, donors, counterfactual } = plan
  const head = outcome === 'denied' ? `denied (${reason})` : outcome.replace('_', ' ')
  const table = renderTable({
    header: ['donor', 'bundles', 'cost us'],
    align: ['left', 'right', 'right'],
    rows: donors.map(({ engine, bundles, costUs }) => [
      engine,
      bundles.toLocaleString('en'),
      costUs.toLocaleString('en'),
    ]),
  })
  return [
    `${head}: ${explanation}`,
    ...(donors.length === 0 ? [] : ['', table.trimEnd(), '']),
    `otherwise: ${counterfactual}`,
    '',
  ].join('\n')
}
