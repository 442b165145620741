import { SeededRng } from '@kvasir/kernel'
import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig, type SchedulerConfig, type SequenceCosts } from './config.js'
import { HeapQueue } from './heap-queue.js'
import { Scheduler } from './scheduler.js'
import type { SequenceInput } from './sequence-input.js'

/** One sequence at a time: the order of admissions is the order of the policy. */
function makeQueue(config: Partial<SchedulerConfig>, costs?: SequenceCosts) {
  const pool = new BlockPool({
    blockSize: 16,
    blocksPerBundle: 1,
    bundleCapacity: 4_096,
    placement: 'queue-order',
    prefixCaching: false,
  })
  pool.mapBundles(Array.from({ length: 4_096 }, (_, i) => i))
  const full = { ...defaultSchedulerConfig, prefixCaching: false, sequenceLimit: 1, ...config }
  const scheduler = new Scheduler(full, pool, ...(costs === undefined ? [] : [costs]))
  const submit = (id: string, input: Partial<SequenceInput> = {}) => {
    scheduler.submit(0, {
      id,
      promptTokens: 10,
      maxOutputTokens: 1,
      priority: 0,
      arrivalUs: 0,
      content: new SyntheticContent({ uniqueSeed: 0 }),
      ...input,
    })
  }
  const step = () => {
    const plan = scheduler.plan(0, Infinity)
    const ids = Array.from(plan.slots.subarray(0, plan.count), (slot) => scheduler.id(slot))
    scheduler.complete(0, plan)
    return ids
  }
  const drain = () => {
    const ids: string[] = []
    while (scheduler.unfinishedCount > 0) ids.push(...step())
    return ids
  }
  return { scheduler, submit, step, drain }
}

describe('orders', () => {
  test('fcfs serves in order of submission', () => {
    const { submit, drain } = makeQueue({ order: 'fcfs' })
    for (const id of ['c', 'a', 'b']) submit(id)
    expect(drain()).toEqual(['c', 'a', 'b'])
  })

  test('priority serves the highest first, then arrival, then id', () => {
    const { submit, drain } = makeQueue({ order: 'priority' })
    submit('late', { priority: 5, arrivalUs: 9 })
    submit('b', { priority: 5, arrivalUs: 3 })
    submit('a', { priority: 5, arrivalUs: 3 })
    submit('urgent', { priority: 7, arrivalUs: 20 })
    submit('idle', { priority: -1 })
    expect(drain()).toEqual(['urgent', 'a', 'b', 'late', 'idle'])
  })

  test('weighted-fifo serves the heaviest first', () => {
    const { submit, drain } = makeQueue({ order: 'weighted-fifo' })
    submit('light')
    submit('heavy', { weight: 3 })
    submit('middle', { weight: 2 })
    expect(drain()).toEqual(['heavy', 'middle', 'light'])
  })

  const costs: SequenceCosts = {
    recomputeUs: (tokens) => 10 * tokens,
    swapUs: () => Infinity,
    outputUs: (tokens) => 1_000 * tokens,
  }

  test('srpt reckons with the cost model and the expected output', () => {
    const { submit, drain } = makeQueue({ order: 'srpt' }, costs)
    submit('long-prompt', { promptTokens: 150 })
    submit('long-output', { promptTokens: 1, maxOutputTokens: 100, expectedOutputTokens: 3 })
    submit('short', { promptTokens: 20 })
    const admissions = drain()
    expect(admissions.filter((id, i) => admissions.indexOf(id) === i)).toEqual([
      'short',
      'long-prompt',
      'long-output',
    ])
  })

  test('wsrpt divides the remaining time by the weight', () => {
    const { submit, drain } = makeQueue({ order: 'wsrpt' }, costs)
    submit('short', { promptTokens: 20 })
    submit('weighty', { promptTokens: 150, weight: 4 })
    expect(drain()).toEqual(['weighty', 'short'])
  })

  test('edf serves the earliest deadline first and those without one last', () => {
    const { submit, drain } = makeQueue({ order: 'edf' })
    submit('whenever')
    submit('later', { deadlineUs: 9_000 })
    submit('soon', { deadlineUs: 5_000 })
    expect(drain()).toEqual(['soon', 'later', 'whenever'])
  })
})

describe('aging', () => {
  test('a sequence is passed only by those that arrived within its bound', () => {
    const { submit, drain } = makeQueue({ order: 'priority', agingPerUs: 0.001 })
    submit('low', { priority: 0, arrivalUs: 0 })
    // 0.001 levels a microsecond: two levels are worth 2,000 us of waiting.
    submit('within', { priority: 2, arrivalUs: 1_999 })
    submit('beyond', { priority: 2, arrivalUs: 2_001 })
    expect(drain()).toEqual(['within', 'low', 'beyond'])
  })

  test.each([1, 2, 3])(
    'no sequence is passed by one that arrived later than the bound says (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'aging')
      const agingPerUs = 0.5
      const { submit, drain } = makeQueue({ order: 'srpt', agingPerUs })
      const cost = new Map<string, number>()
      const arrival = new Map<string, number>()
      for (let i = 0; i < 60; i++) {
        const id = `s${i}`
        const promptTokens = 1 + rng.int(500)
        arrival.set(id, i * 20)
        cost.set(id, promptTokens + 1)
        submit(id, { promptTokens, arrivalUs: i * 20 })
      }
      const order = drain()
      order.forEach((id, i) => {
        for (const earlier of order.slice(0, i)) {
          const lead = ((cost.get(id) as number) - (cost.get(earlier) as number)) / agingPerUs
          expect(arrival.get(earlier)).toBeLessThanOrEqual((arrival.get(id) as number) + lead)
        }
      })
    },
  )

  test('without a deadline, edf treats a sequence as due after its patience', () => {
    const { submit, drain } = makeQueue({ order: 'edf', agingPerUs: 0.001 })
    submit('patient', { arrivalUs: 0 })
    submit('late', { deadlineUs: 1_001 })
    expect(drain()).toEqual(['patient', 'late'])
  })
})

describe('fair order', () => {
  test('tenants get service in proportion to their weights, however much one submits', () => {
    const { submit, step } = makeQueue({ order: 'fair' })
    for (let i = 0; i < 400; i++) submit(`greedy${i}`, { tenant: 'greedy' })
    for (let i = 0; i < 300; i++) submit(`double${i}`, { tenant: 'double', weight: 2 })
    const served = { greedy: 0, double: 0 }
    for (let i = 0; i < 300; i++) served[step()[0].startsWith('greedy') ? 'greedy' : 'double']++
    // Every request costs its tenant the same, so the bound of one request each (arXiv 2401.00588) shows directly.
    expect(Math.abs(served.double - 200)).toBeLessThanOrEqual(2)
    expect(served.greedy + served.double).toBe(300)
  })

  test('a tenant that was away returns without banked credit', () => {
    const { submit, step } = makeQueue({ order: 'fair' })
    for (let i = 0; i < 200; i++) submit(`busy${i}`, { tenant: 'busy' })
    submit('guest', { tenant: 'guest' })
    for (let i = 0; i < 100; i++) step()
    for (let i = 0; i < 50; i++) submit(`back${i}`, { tenant: 'guest' })
    const served = { busy: 0, guest: 0 }
    for (let i = 0; i < 40; i++) served[step()[0].startsWith('busy') ? 'busy' : 'guest']++
    expect(Math.abs(served.busy - served.guest)).toBeLessThanOrEqual(2)
  })

  test('computing again what a preemption threw away is not charged', () => {
    const { scheduler, submit, step } = makeQueue({ order: 'fair' })
    submit('a', { tenant: 'a', maxOutputTokens: 10 })
    submit('b', { tenant: 'b', maxOutputTokens: 10 })
    step()
    scheduler.releaseBundles(0, 4_096)
    // a paid 10 for its prompt and 2 for a token; b has paid nothing.
    expect(step()).toEqual(['b'])
    scheduler.releaseBundles(0, 4_096)
    expect(step()).toEqual(['a'])
    scheduler.releaseBundles(0, 4_096)
    // Had the second computation of a's prompt been charged, a would be at 26 now and lose for long.
    expect(step()).toEqual(['b'])
  })
})

describe('preemptive orders', () => {
  test('a shorter newcomer displaces a longer running sequence, which keeps its place and its outputs', () => {
    const { scheduler, submit, step } = makeQueue({ order: 'srpt', preemptive: true })
    submit('long', { promptTokens: 10, maxOutputTokens: 100 })
    expect([step(), step()]).toEqual([['long'], ['long']])
    submit('short', { promptTokens: 5, maxOutputTokens: 2 })
    expect([step(), step(), step()]).toEqual([['short'], ['short'], ['long']])
    const view = scheduler.sequence(scheduler.runningSlots()[0])
    expect(view).toMatchObject({ id: 'long', preemptions: 1, outputTokens: 3, arrivalUs: 0 })
  })

  test('without it a running sequence is left alone', () => {
    const { submit, step } = makeQueue({ order: 'srpt' })
    submit('long', { promptTokens: 10, maxOutputTokens: 3 })
    step()
    submit('short', { promptTokens: 5, maxOutputTokens: 2 })
    expect([step(), step(), step()]).toEqual([['long'], ['long'], ['short']])
  })
})

describe('HeapQueue', () => {
  test.each([1, 2, 3])('pops in order whatever is removed from its middle (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'heap-queue')
    const keys = Array.from({ length: 300 }, () => rng.int(50))
    const queue = new HeapQueue((a, b) => keys[a] < keys[b] || (keys[a] === keys[b] && a < b))
    const waiting = new Set<number>()
    for (let i = 0; i < 3_000; i++) {
      const slot = rng.int(300)
      if (waiting.delete(slot)) {
        queue.remove(slot)
      } else {
        waiting.add(slot)
        queue.push(slot)
      }
      const sorted = Array.from(waiting).sort((a, b) => keys[a] - keys[b] || a - b)
      expect([queue.size, queue.head()]).toEqual([sorted.length, sorted[0] ?? -1])
      if (i % 100 === 0) expect(queue.toArray()).toEqual(sorted)
    }
  })
})
