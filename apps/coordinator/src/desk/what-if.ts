import type { ModelStatus, RoundDecisionRecord, WhatIf, WhatIfAnswer } from '@kvasir/contracts'
import { replayRecord } from '@kvasir/coordinator-core'

type Row = RoundDecisionRecord['engines'][number]
type Imagined = WhatIfAnswer['rounds'][number]

/**
 * A round taken again with other terms of some models, by the function that decided it.
 * @param models as they are registered.
 */
export function imagineRound(
  round: RoundDecisionRecord,
  changes: WhatIf['models'],
  models: ReadonlyMap<string, ModelStatus>,
): Imagined {
  const engines = round.engines.map((row) => editedRow(row, changes, models))
  const after = replayRecord({ ...round, engines })
  return {
    pool: round.pool,
    round: round.round,
    conditions: after.answer.conditions,
    engines: round.engines.map(([engine, model], i) => ({
      engine,
      model,
      before: shareOf(round, i),
      after: shareOf(after, i),
    })),
  }
}

function editedRow(row: Row, changes: WhatIf['models'], models: ReadonlyMap<string, ModelStatus>): Row {
  const [engine, model, weight, guarantee, limit, group, ...rest] = row
  const change = changes[model]
  const known = models.get(model)
  if (change === undefined || known === undefined) return row
  // The cluster's weights stand to each other as the models' own do, but are not equal to them.
  const scaled =
    change.weight === undefined ? weight : Math.max(1, Math.round((weight * change.weight) / known.weight))
  return [
    engine,
    model,
    scaled,
    change.guarantee ?? guarantee,
    change.limit ?? limit,
    change.group ?? group,
    ...rest,
  ]
}

function shareOf({ answer }: RoundDecisionRecord, i: number): Imagined['engines'][number]['before'] {
  const [tokens, lentTokens, , , entitledBundles] = answer.shares[i]
  return { tokens, lentTokens, entitledBundles }
}
