import { hashText, invariant } from '@kvasir/kernel'
import type { RequestRecord, RequestStream } from '../request.js'
import { mapStream } from '../streams/combinators.js'

export interface ModelWeight {
  readonly model: string
  readonly weight: number
}

/**
 * Who serves the requests of a trace that names no model:
 * - `one`: all of them one model;
 * - `round_robin`: smooth weighted round robin, so that any window of requests comes close to the weights;
 * - `by_session`: a hash of the session, or of the tenant, or of the id, whichever is there first, so that
 *   a conversation stays with its model.
 */
export type DealRule =
  | { readonly kind: 'one'; readonly model: string }
  | { readonly kind: 'round_robin'; readonly models: readonly ModelWeight[] }
  | { readonly kind: 'by_session'; readonly models: readonly ModelWeight[] }

/** Gives a model to every request that has none; others keep theirs. */
export function dealModels(stream: RequestStream, rule: DealRule): RequestStream {
  const deal = dealerOf(rule)
  return mapStream(stream, (record) =>
    record.model === undefined ? { ...record, model: deal(record) } : record,
  )
}

function dealerOf(rule: DealRule): (record: RequestRecord) => string {
  switch (rule.kind) {
    case 'one':
      return () => rule.model
    case 'round_robin':
      return roundRobin(checked(rule.models))
    case 'by_session':
      return bySession(checked(rule.models))
  }
}

/**
 * Every model gains its weight per request; the richest serves and pays the sum (the smooth round robin of
 * nginx). Ties go to the first.
 */
function roundRobin(models: readonly ModelWeight[]): () => string {
  const credits = models.map(() => 0)
  const total = sumOf(models)
  return () => {
    let best = 0
    for (const [i, { weight }] of models.entries()) {
      credits[i] += weight
      if (credits[i] > credits[best]) best = i
    }
    credits[best] -= total
    return models[best].model
  }
}

function bySession(models: readonly ModelWeight[]): (record: RequestRecord) => string {
  const total = sumOf(models)
  return ({ session, tenant, id }) => {
    let left = (hashText(session ?? tenant ?? id) / 0x1_0000_0000) * total
    for (const { model, weight } of models) {
      if (left < weight) return model
      left -= weight
    }
    return models.at(-1)?.model ?? ''
  }
}

function checked(models: readonly ModelWeight[]): readonly ModelWeight[] {
  invariant(
    models.every(({ weight }) => weight > 0 && weight < Infinity),
    () => 'a weight to deal by is not above 0',
  )
  invariant(models.length > 0, () => 'no models to deal requests to')
  return models
}

function sumOf(models: readonly ModelWeight[]): number {
  return models.reduce((sum, { weight }) => sum + weight, 0)
}
