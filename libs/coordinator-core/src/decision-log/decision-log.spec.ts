import {
  type DecisionRecord,
  decisionRecordSchema,
  type DonorsDecisionRecord,
  type RoundDecisionRecord,
} from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { BUSY, contended } from '../testing/contended.js'
import { PoolWorld, type WorldOptions } from '../testing/pool-world.js'
import { recordOf, replayRecord } from './decision-record.js'
import { DecisionReplay } from './decision-replay.js'
import { explainBudget } from './explain-budget.js'
import { explainRequest } from './explain-request.js'
import { firstDifference } from './first-difference.js'

/** Collects what a pool logs while `play` goes on, as it would be read from a file. */
function logged(world: PoolWorld, play: (world: PoolWorld) => void): readonly DecisionRecord[] {
  const records: DecisionRecord[] = []
  world.observer = (effect) => {
    if (effect.kind === 'log') records.push(asRead(recordOf(effect.origin, effect.decision)))
  }
  play(world)
  return records
}

/** The schema takes it, and a file gives it back. */
function asRead(record: DecisionRecord): DecisionRecord {
  const read = decisionRecordSchema.parse(JSON.parse(JSON.stringify(record)))
  expect(JSON.stringify(read)).toBe(JSON.stringify(record))
  return read
}

/** Engines with random needs and requests, some of which fall silent for a while. */
function randomLog(seed: number, options: WorldOptions): readonly DecisionRecord[] {
  const rng = new SeededRng(seed, 'decision-log')
  const engines = ['a', 'b', 'c']
  return logged(new PoolWorld(options), (world) => {
    for (const engine of engines) world.join(engine)
    for (let turn = 0; turn < 40; turn++) {
      for (const engine of engines) {
        if (rng.int(6) === 0) continue
        const held = world.document(engine).leaseBundles
        const inUse = rng.int(held + 1)
        const supply = [1, 4, 16]
          .filter((bundles) => bundles <= inUse)
          .map((bundles) => ({ priority: rng.int(3), bundles, costUs: 100 * bundles + rng.int(50) }))
        world.beat(engine, { inUse, bundles: rng.int(80), tokens: rng.int(2_000), supply })
      }
      if (rng.int(2) === 0) {
        const bundles = 1 + rng.int(30)
        const id = `r${turn}`
        world.request(engines[rng.int(3)], {
          id,
          bundles,
          minBundles: 1 + rng.int(bundles),
          priority: rng.int(4),
        })
      }
      world.pass(rng.int(12) === 0 ? 1_500_000 : 50_000)
    }
  })
}

const POLICIES = ['weighted-max-min', 'proportional', 'drf', 'kapsl-compat', 'static'] as const

describe('a recorded decision', () => {
  it.each(POLICIES)('is taken again with the same bytes under %s (seeds 1..6)', (policy) => {
    const met = new Map<string, number>()
    for (let seed = 1; seed <= 6; seed++) {
      const settings = { minResidencyUs: seed % 2 === 0 ? 300_000 : 0, observeOnly: seed % 5 === 0 }
      const terms = { a: { weight: 3, guarantee: 0.1 }, b: { limit: 0.6 } }
      const replay = new DecisionReplay()
      for (const record of randomLog(seed, { policy, settings, terms })) {
        met.set(record.kind, (met.get(record.kind) ?? 0) + 1)
        const where = `seed ${seed}, ${record.kind} at ${record.atUs} us`
        expect(firstDifference(record, replayRecord(record)), where).toBeUndefined()
        expect(JSON.stringify(replay.next(record)), where).toBe(JSON.stringify(record))
      }
    }
    for (const kind of ['round', 'donors', 'end']) expect(met.get(kind), kind).toBeGreaterThan(50)
  })

  it('shows when its answer, or what it was made from, is another', () => {
    const [round] = roundsOf(contendedLog())
    const [row, ...rows] = round.engines
    const heavier = { ...round, engines: [withWeight(row, row[2] + 1), ...rows] }
    expect(firstDifference(heavier, replayRecord(heavier))?.field).toMatch(/^answer\./)
    const richer = { ...round, answer: { ...round.answer, capacity: round.answer.capacity + 1 } }
    expect(firstDifference(richer, replayRecord(richer))).toEqual({
      field: 'answer.capacity',
      expected: round.answer.capacity + 1,
      actual: round.answer.capacity,
    })
  })

  it('cannot be changed together with its answer without the next round showing it', () => {
    const rounds = roundsOf(contendedLog())
    const at = rounds.findIndex(({ answer }) => answer.shares.every((share) => share[3] === 'share'))
    const [row, ...rows] = rounds[at].engines
    const forged = replayRecord({ ...rounds[at], engines: [withWeight(row, 6), ...rows] })
    expect(firstDifference(forged, replayRecord(forged))).toBeUndefined()
    const replay = new DecisionReplay()
    const fields = [...rounds.slice(0, at), forged, ...rounds.slice(at + 1)].map(
      (record) => firstDifference(record, replay.next(record))?.field,
    )
    const owed = /^engines\[\d\]\[11\]$/
    expect(fields.findIndex((field) => field !== undefined)).toBe(at + 1)
    expect(fields[at + 1]).toMatch(owed)
  })
})

describe('an explanation of a budget', () => {
  it('names what bound it, with the numbers and what would change them', () => {
    const rounds = roundsOf(contendedLog())
    const round = rounds[rounds.length - 1]
    const budget = explainBudget(round, 'a')
    expect(budget.bound).toBe('share')
    expect(budget.counterfactual.change).toBe('weight 2 instead of 1')
    expect(budget.counterfactual.gainTokens).toBeGreaterThan(0)
    expect(budget.counterfactual.text).toMatch(/^with weight 2 instead of 1: \+[\d,]+ tokens$/)
    expect(budget.sentences.join(' ')).toContain(`weight 1 of 2`)
    const imagined = replayRecord({
      ...round,
      engines: round.engines.map((row) => (row[0] === 'a' ? withWeight(row, 2) : row)),
    })
    expect(imagined.answer.shares[0][0]).toBe(budget.counterfactual.tokens)
  })

  it.each([
    ['limit', { limit: 0.3 }, { tokens: 9_000 }, 'no limit instead of 30 % of the pool'],
    ['guarantee', { guarantee: 0.7 }, { tokens: 9_000 }, 'no guarantee instead of 70 % of the pool'],
    ['demand', {}, { tokens: 100 }, 'demand for all of the round instead of 100 tokens'],
    ['wake_up', {}, { tokens: 0 }, 'demand for all of the round instead of 0 tokens'],
  ] as const)('lifts the bound it names: %s', (bound, terms, report, change) => {
    const records = logged(new PoolWorld({ terms: { a: terms } }), (world) => {
      world.join('a')
      world.join('b')
      world.beat('a', report)
      world.beat('b', { tokens: 9_000 })
      world.pass(200_000)
    })
    const rounds = roundsOf(records)
    const budget = explainBudget(rounds[rounds.length - 1], 'a')
    expect([budget.bound, budget.counterfactual.change]).toEqual([bound, change])
    const { gainTokens } = budget.counterfactual
    if (bound === 'guarantee') expect(gainTokens).toBeLessThan(0)
    else expect(gainTokens).toBeGreaterThan(0)
  })

  it('tells what is kept ready of a guarantee from what is lent', () => {
    const records = logged(new PoolWorld({ terms: { a: { guarantee: 0.5 } } }), (world) => {
      world.join('a')
      world.join('b')
      world.beat('a', { tokens: 100 })
      world.beat('b', { tokens: 9_000 })
      world.pass(200_000)
    })
    const rounds = roundsOf(records)
    const { bound, lentTokens, readyTokens, sentences } = explainBudget(rounds[rounds.length - 1], 'a')
    expect([bound, lentTokens, readyTokens]).toEqual(['demand', 400, 400])
    expect(sentences[0]).toMatch(/ 100 tokens .*, and 400 more of its guarantee kept ready\.$/)
  })

  it('says so of what is lent, of who is not heard or has everything, and of a policy without a level', () => {
    const lent = roundsOf(soloLog({ tokens: 50 }))
    expect(explainBudget(lent[lent.length - 1], 'a').bound).toBe('lent')
    const silent = roundsOf(
      logged(contended(), (world) => {
        for (let i = 0; i < 60; i++) {
          world.pass(100_000)
          world.beat('b', { inUse: 20, tokens: 9_000 + i * 500 })
        }
      }),
    )
    expect(explainBudget(silent[silent.length - 1], 'a')).toMatchObject({ bound: 'degraded' })
    const fixed = roundsOf(soloLog({ tokens: 50 }, { policy: 'static' }))
    expect(explainBudget(fixed[fixed.length - 1], 'a').bound).toBe('policy')
    const alone = roundsOf(soloLog({ tokens: 90_000 }))
    expect(explainBudget(alone[alone.length - 1], 'a')).toMatchObject({ bound: 'capacity', tokens: 1_000 })
  })
})

describe('an explanation of a preemption request', () => {
  it('names donors, their alternatives, who was not asked, and the end', () => {
    const records = contendedLog()
    const { choices, end } = requestIn(records, 'wanted')
    const explanation = explainRequest(choices, end)
    expect(explanation.choices[0]).toMatchObject({
      outcome: 'granted',
      donors: [{ engine: 'a', class: 'priority' }],
      alternatives: [{ without: 'a', outcome: 'denied' }],
    })
    expect(explanation.end).toMatchObject({ cause: 'arrived', outcome: { kind: 'granted' } })
    expect(explanation.sentences.join(' ')).toContain('Without a it would have been denied')
  })

  it('has the closed reason and a counterfactual for a denial', () => {
    const records = logged(contended(), (world) => {
      world.request('b', { id: 'refused', bundles: 35, priority: 0 })
    })
    const { choices, end } = requestIn(records, 'refused')
    const explanation = explainRequest(choices, end)
    expect(explanation.choices[0]).toMatchObject({ outcome: 'denied', reason: 'no_lower_priority' })
    expect(explanation.choices[0].counterfactual).toBe('a request above priority 0 would be granted')
    expect(explanation.end).toMatchObject({ cause: 'refused', outcome: { reason: 'no_lower_priority' } })
  })

  it('says that a pool was only observed', () => {
    const records = logged(new PoolWorld({ settings: { observeOnly: true } }), (world) => {
      for (const engine of ['a', 'b', 'c', 'd']) world.join(engine)
      world.beat('a', { ...BUSY, inUse: 5 })
      world.request('b', { id: 'seen', bundles: 10, priority: 5 })
    })
    const { choices, end } = requestIn(records, 'seen')
    const explanation = explainRequest(choices, end)
    expect(explanation).toMatchObject({ observeOnly: true, end: { cause: 'observed' } })
    expect(explanation.sentences.join(' ')).toContain('only observed')
  })
})

/** `b` asks for work that outranks that of `a`, and gets it. */
function contendedLog(): readonly DecisionRecord[] {
  return logged(contended(), (world) => {
    world.request('b', { id: 'wanted', bundles: 10, priority: 5 })
    world.beat('a', { ...BUSY, inUse: 70, tokens: 5_000 })
    world.pass(100_000)
    for (let i = 0; i < 5; i++) {
      world.beat('a', { ...BUSY, inUse: 70, tokens: 5_000 + i * 700 })
      world.beat('b', { inUse: 30, tokens: 7_001 + i * 500 })
      world.pass(100_000)
    }
  })
}

function soloLog(
  report: Parameters<PoolWorld['beat']>[1],
  options: WorldOptions = {},
): readonly DecisionRecord[] {
  return logged(new PoolWorld(options), (world) => {
    world.join('a')
    world.beat('a', report)
    world.pass(200_000)
  })
}

function roundsOf(records: readonly DecisionRecord[]): readonly RoundDecisionRecord[] {
  return records.filter((record) => record.kind === 'round')
}

function requestIn(records: readonly DecisionRecord[], id: string) {
  const choices = records.filter(
    (record): record is DonorsDecisionRecord => record.kind === 'donors' && record.request.id === id,
  )
  const end = records.filter((record) => record.kind === 'end').find((record) => record.id === id)
  return { choices, end }
}

type EngineRow = RoundDecisionRecord['engines'][number]

function withWeight(row: EngineRow, weight: number): EngineRow {
  const [engine, model, , ...rest] = row
  return [engine, model, weight, ...rest]
}
