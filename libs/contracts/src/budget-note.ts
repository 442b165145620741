import { z } from 'zod'
import type { EngineDocument } from './messages.js'

const count = z.int().min(0)

/**
 * A document of which only the budget is new, as a row: what a round changes for most engines. It is beside the newest document in full, `base`,
 * and says everything about what came after it: a lost or doubled one does no harm either.
 */
export const budgetNoteSchema = z
  .tuple([
    /** incarnation, epoch, base: as in the document in full. */
    count,
    count,
    count,
    /** sequence, ackBeat: in place of the document's. */
    count,
    count,
    /** round, tokens, lentTokens, floor: the budget. */
    count,
    count,
    count,
    count,
  ])
  .readonly()
export type BudgetNote = z.infer<typeof budgetNoteSchema>

/** What of a document a note says anew. */
type Noted = 'sequence' | 'ackBeat' | 'budget'
/** What must be the same. */
const kept = {
  engine: true,
  incarnation: true,
  epoch: true,
  processedThrough: true,
  member: true,
  census: true,
  leaseBundles: true,
  guaranteeBundles: true,
  limitBundles: true,
  reclaims: true,
  priority: true,
  sharesPool: true,
  supplyWanted: true,
  outcomes: true,
} satisfies Record<Exclude<keyof EngineDocument, Noted>, true>
const keptFields = Object.keys(kept) as readonly Exclude<keyof EngineDocument, Noted>[]

/** What `document` says beside `base`, which its engine was told in full; undefined: more than a budget has changed. */
export function budgetNoteOf(base: EngineDocument, document: EngineDocument): BudgetNote | undefined {
  for (const field of keptFields) {
    const [a, b] = [base[field], document[field]]
    if (a !== b && !(isEmpty(a) && isEmpty(b))) return undefined
  }
  const { incarnation, epoch, sequence, ackBeat, budget } = document
  const { round, tokens, lentTokens, floor } = budget
  return [incarnation, epoch, base.sequence, sequence, ackBeat, round, tokens, lentTokens, floor]
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** A document with what a note says beside it. `behind`: the note is beside a newer document, which was missed. */
export function withBudget(document: EngineDocument, note: BudgetNote): EngineDocument | 'behind' {
  const [incarnation, epoch, base, sequence, ackBeat, round, tokens, lentTokens, floor] = note
  if (incarnation !== document.incarnation || epoch < document.epoch) return document
  if (epoch > document.epoch || base > document.sequence) return 'behind'
  if (sequence <= document.sequence) return document
  return { ...document, sequence, ackBeat, budget: { round, tokens, lentTokens, floor } }
}
