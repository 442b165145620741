import { describe, expect, it } from 'vitest'
import { budgetNoteOf, budgetNoteSchema, withBudget } from './budget-note.js'
import { type EngineDocument, engineDocumentSchema } from './messages.js'

const base: EngineDocument = engineDocumentSchema.parse({
  engine: 'e',
  incarnation: 7,
  epoch: 3,
  sequence: 10,
  ackBeat: 4,
  processedThrough: 2,
  member: true,
  census: false,
  leaseBundles: 20,
  guaranteeBundles: 5,
  limitBundles: 40,
  budget: { round: 8, tokens: 100, lentTokens: 0, floor: 10 },
  reclaims: [],
  sharesPool: true,
  supplyWanted: false,
  outcomes: [],
})
const later: EngineDocument = {
  ...base,
  sequence: 13,
  ackBeat: 5,
  budget: { round: 11, tokens: 90, lentTokens: 7, floor: 9 },
  // Made anew each time, and empty all the same.
  reclaims: [],
  outcomes: [],
}

describe('a budget beside a document', () => {
  it('says with the document in full what a new document would say', () => {
    const note = budgetNoteOf(base, later)
    expect(budgetNoteSchema.parse(JSON.parse(JSON.stringify(note)))).toEqual(note)
    expect(note && withBudget(base, note)).toEqual(later)
  })

  it.each([
    { processedThrough: 3 },
    { epoch: 4 },
    { incarnation: 8 },
    { census: true },
    { leaseBundles: 21 },
    { priority: 1 },
    { outcomes: [{ kind: 'granted', id: 'e/7/2', bundles: 1 }] },
    { reclaims: [{ request: '', bundles: 1 }] },
  ] as const)('is none where more has changed: %j', (change) => {
    expect(budgetNoteOf(base, { ...later, ...change })).toBeUndefined()
  })

  it('changes nothing when it is old, doubled, or for another run of the engine', () => {
    const note = budgetNoteOf(base, later)
    if (!note) throw new Error('no note')
    expect(withBudget(later, note)).toBe(later)
    const newer = { ...base, epoch: 4, sequence: 1 }
    expect(withBudget(newer, note)).toBe(newer)
    const reborn = { ...base, incarnation: 8 }
    expect(withBudget(reborn, note)).toBe(reborn)
  })

  it('tells whoever has missed the document it is beside', () => {
    const note = budgetNoteOf({ ...base, sequence: 12 }, later)
    expect(note && withBudget(base, note)).toBe('behind')
  })
})
