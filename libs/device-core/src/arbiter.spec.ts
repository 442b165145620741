import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { chooseNext, type Waiting } from './arbiter.js'

const SEED = 20261122

const waits = (engine: string, waiting: Partial<Waiting> = {}): Waiting => ({
  engine,
  claim: 1,
  lastServed: 0,
  dueUs: Infinity,
  stepUs: 0,
  ...waiting,
})

const next = (waiting: readonly Waiting[], now = 0) => waiting[chooseNext(waiting, 'claims', now)].engine

describe('the next turn by claims', () => {
  it('goes to the largest claim while every step can wait for the longest of the others', () => {
    expect(next([waits('a', { claim: 0.2, dueUs: 41 }), waits('b', { claim: 0.9, stepUs: 40 })])).toBe('b')
  })

  it('goes to the step that would be late if the longest of the others went first', () => {
    expect(next([waits('a', { claim: 0.2, dueUs: 40 }), waits('b', { claim: 0.9, stepUs: 40 })])).toBe('a')
  })

  it('goes to the most urgent of several, and what is late is urgent', () => {
    const late = waits('a', { dueUs: -5 })
    expect(next([waits('b', { dueUs: 3 }), late, waits('c', { dueUs: 0 })])).toBe('a')
  })

  it('goes to who has budget left before who has none, however urgent', () => {
    expect(next([waits('a', { claim: 0, dueUs: 0 }), waits('b', { claim: 0.1 })])).toBe('b')
  })

  it('goes, where nobody has budget left, to the urgent, then to who waited longest', () => {
    const spent = { claim: 0, stepUs: 10 }
    const waiting = [
      waits('a', { ...spent, lastServed: 1 }),
      waits('b', { ...spent, lastServed: 2 }),
      waits('c', { ...spent, lastServed: 3, dueUs: 10 }),
    ]
    expect(next(waiting)).toBe('c')
    expect(next(waiting.slice(0, 2))).toBe('a')
  })

  it(`asks nobody how urgent it is where turns go round (seed ${SEED})`, () => {
    const rng = new SeededRng(SEED, 'round-robin')
    for (let i = 0; i < 200; i++) {
      const waiting = ['a', 'b', 'c'].map((engine) =>
        waits(engine, { lastServed: rng.int(5), claim: rng.int(2), dueUs: rng.int(100) }),
      )
      const chosen = waiting[chooseNext(waiting, 'round-robin', 0)]
      expect(chosen.lastServed).toBe(Math.min(...waiting.map(({ lastServed }) => lastServed)))
    }
  })
})
