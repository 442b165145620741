import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { resultsOf } from './analysis/results-of.js'
import { ExperimentMachine } from './experiment-machine.js'
import type { ExperimentPlan } from './plan/plan-experiment.js'
import type { PlannedRun, RunAnswer, RunRecord } from './run.js'
import { ATTEMPTS_MAX, type ExperimentEffect } from './run-conductor.js'
import { outcomeOf, samplePlan } from './testing/sample-experiment.js'

/** What runs came to, by the run alone. */
function goodputOf({ cell, seed }: PlannedRun): number {
  return 10 + cell + new SeededRng(seed, `cell ${cell}`).uniform()
}

interface Driven {
  readonly records: readonly RunRecord[]
  /** Every run as it was begun, again and again if so. */
  readonly begun: readonly string[]
  readonly because: string | undefined
  readonly machine: ExperimentMachine
}

/**
 * Drives an experiment in an order that `rng` draws: answers come late, doubled, or not at all when a worker is lost; after
 * `killAfter` records everything stops in the middle.
 */
function drive(
  plan: ExperimentPlan,
  options: {
    readonly rng: SeededRng
    readonly records?: readonly RunRecord[]
    readonly killAfter?: number
    readonly lossOf?: (run: PlannedRun, attempt: number) => boolean
  },
): Driven {
  const { rng, killAfter = Infinity, lossOf = () => false } = options
  const machine = new ExperimentMachine(plan, options.records)
  const records: RunRecord[] = []
  const begun: string[] = []
  const waiting: { run: PlannedRun; attempt: number }[] = []
  let because: string | undefined
  const perform = (effects: readonly ExperimentEffect[]) => {
    for (const effect of effects) {
      if (effect.kind === 'execute') {
        begun.push(effect.run.id)
        waiting.push(effect)
      }
      if (effect.kind === 'record') records.push(effect.record)
      if (effect.kind === 'over') because = effect.because
    }
  }
  perform(machine.step(0, { kind: 'start', slots: 1 + rng.int(4) }))
  while (waiting.length > 0 && records.length < killAfter) {
    const [{ run, attempt }] = waiting.splice(rng.int(waiting.length), 1)
    const answer: RunAnswer = lossOf(run, attempt)
      ? { kind: 'lost', reason: 'killed' }
      : { kind: 'ended', outcome: outcomeOf(run, { goodputPerS: goodputOf(run) }) }
    perform(machine.step(0, { kind: 'answered', id: run.id, answer }))
    // Twice delivered, as queues do.
    if (answer.kind === 'ended') perform(machine.step(0, { kind: 'answered', id: run.id, answer }))
  }
  return { records, begun, because, machine }
}

describe('ExperimentMachine', () => {
  it('runs every run once and keeps the plan’s order, whatever the order of the answers', () => {
    const plan = samplePlan()
    for (let seed = 0; seed < 30; seed++) {
      const { records, begun, because, machine } = drive(plan, { rng: new SeededRng(seed, 'order') })
      expect(because, `seed ${seed}`).toBe('complete')
      expect([...begun].sort()).toEqual(plan.runs.map(({ id }) => id).sort())
      expect(records).toHaveLength(plan.runs.length)
      expect(machine.results.map(({ run }) => run.id)).toEqual(plan.runs.map(({ id }) => id))
    }
  })

  it('counts no run twice and loses none, however often it is killed and resumed', () => {
    const plan = samplePlan()
    for (let seed = 0; seed < 30; seed++) {
      const rng = new SeededRng(seed, 'resume')
      const journal: RunRecord[] = []
      for (let attempt = 0; attempt < 50; attempt++) {
        const { records, because } = drive(plan, { rng, records: journal, killAfter: 1 + rng.int(4) })
        journal.push(...records)
        if (because === 'complete') break
      }
      const ended = journal.flatMap((record) => (record.kind === 'ended' ? [record.id] : []))
      expect([...ended].sort(), `seed ${seed}`).toEqual(plan.runs.map(({ id }) => id).sort())
      const { results, failures } = resultsOf(plan, plan.seeds, [...journal, ...journal])
      expect(results.map(({ run }) => run.id)).toEqual(plan.runs.map(({ id }) => id))
      expect(failures).toEqual([])
    }
  })

  it('tries a run again when its worker is lost, three times in all, then records why it failed', () => {
    const plan = samplePlan()
    const [victim, unlucky] = plan.runs
    const { records, begun, because, machine } = drive(plan, {
      rng: new SeededRng(1, 'loss'),
      lossOf: (run, attempt) => run === unlucky || (run === victim && attempt === 1),
    })
    expect(because).toBe('complete')
    expect(begun.filter((id) => id === victim.id)).toHaveLength(2)
    expect(begun.filter((id) => id === unlucky.id)).toHaveLength(ATTEMPTS_MAX)
    expect(records.find(({ id }) => id === victim.id)).toMatchObject({ kind: 'ended', attempts: 2 })
    expect(records.find(({ id }) => id === unlucky.id)).toMatchObject({
      kind: 'failed',
      attempts: ATTEMPTS_MAX,
      reason: 'killed',
    })
    expect(machine.progress).toMatchObject({ planned: 12, ended: 11, failed: 1, underWay: 0 })
    const again = drive(plan, { rng: new SeededRng(2, 'loss'), records })
    expect(again.begun).toEqual([unlucky.id])
    expect(resultsOf(plan, plan.seeds, [...records, ...again.records]).failures).toEqual([])
  })

  it('does not try a run again that cannot be done', () => {
    const plan = samplePlan()
    const machine = new ExperimentMachine(plan)
    const [first] = machine.step(0, { kind: 'start', slots: 1 })
    if (first.kind !== 'execute') throw new Error(first.kind)
    const effects = machine.step(0, {
      kind: 'answered',
      id: first.run.id,
      answer: { kind: 'failed', reason: 'does not fit' },
    })
    expect(effects.map(({ kind }) => kind)).toEqual(['record', 'execute'])
  })

  it('begins nothing after a stop, waits for what is under way, and says that it is not complete', () => {
    const plan = samplePlan()
    const machine = new ExperimentMachine(plan)
    const begun = machine.step(0, { kind: 'start', slots: 2 })
    expect(machine.step(0, { kind: 'stop' })).toEqual([])
    const effects = begun.flatMap((effect) => {
      if (effect.kind !== 'execute') return []
      const outcome = outcomeOf(effect.run, { goodputPerS: 1 })
      return machine.step(0, { kind: 'answered', id: effect.run.id, answer: { kind: 'ended', outcome } })
    })
    expect(effects.map(({ kind }) => kind)).toEqual(['record', 'record', 'over'])
    expect(effects.at(-1)).toEqual({ kind: 'over', because: 'stopped' })
  })

  it('records nothing of runs that come back unbegun, and does not count that as an attempt', () => {
    const machine = new ExperimentMachine(samplePlan())
    const [first, second] = machine.step(0, { kind: 'start', slots: 2 })
    if (first.kind !== 'execute' || second.kind !== 'execute') throw new Error(first.kind)
    const returned = { kind: 'answered', id: first.run.id, answer: { kind: 'returned' } } as const
    expect(machine.step(0, returned)).toEqual([{ kind: 'execute', run: first.run, attempt: 1 }])
    machine.step(0, { kind: 'stop' })
    expect(machine.step(0, returned)).toEqual([])
    expect(machine.step(0, { ...returned, id: second.run.id })).toEqual([
      { kind: 'over', because: 'stopped' },
    ])
  })

  it('adds seeds until the interval is narrow, and the same ones when it is resumed', () => {
    const plan = samplePlan({ stop: { within: 0.025, seedsMax: 40, step: 3 } })
    const whole = drive(plan, { rng: new SeededRng(1, 'stop') })
    expect(whole.because).toBe('complete')
    const { seeds } = whole.machine
    expect(seeds.length).toBeGreaterThan(5)
    expect(seeds.length).toBeLessThan(40)
    for (let seed = 0; seed < 10; seed++) {
      const rng = new SeededRng(seed, 'stop again')
      const killed = drive(plan, { rng, killAfter: 5 + rng.int(whole.records.length - 6) })
      const resumed = drive(plan, { rng, records: killed.records })
      expect(resumed.machine.seeds, `seed ${seed}`).toEqual(seeds)
      expect(killed.records.length + resumed.records.length).toBe(whole.records.length)
    }
  })

  it('stops adding at the most seeds that are allowed', () => {
    const plan = samplePlan({ stop: { within: 1e-9, seedsMax: 8, step: 2 } })
    expect(drive(plan, { rng: new SeededRng(1, 'most') }).machine.seeds).toHaveLength(8)
  })
})
