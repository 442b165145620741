import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig } from './config.js'
import { type OrderPolicy, orderPolicies, whyNotPreemptive } from './order-policies.js'
import { QueueUnderTest } from './testing/queue-under-test.js'

describe('orders', () => {
  test('fcfs serves in order of submission', () => {
    const queue = new QueueUnderTest({ order: 'fcfs' })
    for (const id of ['c', 'a', 'b']) queue.submit(id)
    expect(queue.drain()).toEqual(['c', 'a', 'b'])
  })

  test('priority serves the highest first, then arrival, then id', () => {
    const queue = new QueueUnderTest({ order: 'priority' })
    queue.submit('late', { priority: 5, arrivalUs: 9 })
    queue.submit('b', { priority: 5, arrivalUs: 3 })
    queue.submit('a', { priority: 5, arrivalUs: 3 })
    queue.submit('urgent', { priority: 7, arrivalUs: 20 })
    queue.submit('idle', { priority: -1 })
    expect(queue.drain()).toEqual(['urgent', 'a', 'b', 'late', 'idle'])
  })

  test('weighted-fifo serves the heaviest first', () => {
    const queue = new QueueUnderTest({ order: 'weighted-fifo' })
    queue.submit('light')
    queue.submit('heavy', { weight: 3 })
    queue.submit('middle', { weight: 2 })
    expect(queue.drain()).toEqual(['heavy', 'middle', 'light'])
  })

  test('srpt reckons with the cost model and the predicted output', () => {
    const queue = new QueueUnderTest({ order: 'srpt', predictor: 'oracle' })
    queue.submit('long-output', { promptTokens: 1, maxOutputTokens: 100, knownOutputTokens: 20 })
    queue.submit('long-prompt', { promptTokens: 150, knownOutputTokens: 1 })
    queue.submit('short', { promptTokens: 20, maxOutputTokens: 1_000, knownOutputTokens: 1 })
    expect(admissions(queue.drain())).toEqual(['short', 'long-prompt', 'long-output'])
  })

  test('wsrpt divides the remaining time by the weight', () => {
    const queue = new QueueUnderTest({ order: 'wsrpt' })
    queue.submit('short', { promptTokens: 20 })
    queue.submit('weighty', { promptTokens: 80, weight: 4 })
    expect(queue.drain()).toEqual(['weighty', 'short'])
  })

  test('edf serves the earliest deadline first and those without one last', () => {
    const queue = new QueueUnderTest({ order: 'edf' })
    queue.submit('whenever')
    queue.submit('later', { deadlineUs: 9_000 })
    queue.submit('soon', { deadlineUs: 5_000 })
    expect(queue.drain()).toEqual(['soon', 'later', 'whenever'])
  })

  test('without a deadline, edf treats a sequence as due after its patience', () => {
    const queue = new QueueUnderTest({ order: 'edf', agingPerUs: 0.001 })
    queue.submit('patient', { arrivalUs: 0 })
    queue.submit('late', { deadlineUs: 1_001 })
    expect(queue.drain()).toEqual(['patient', 'late'])
  })
})

describe('preemptive orders', () => {
  test('a shorter newcomer displaces a longer running sequence, which keeps its arrival and its outputs', () => {
    const queue = new QueueUnderTest({ order: 'srpt', preemptive: true })
    queue.submit('long', { promptTokens: 10, maxOutputTokens: 100 })
    expect([queue.step(), queue.step()]).toEqual([['long'], ['long']])
    queue.submit('short', { promptTokens: 5, maxOutputTokens: 2 })
    expect([queue.step(), queue.step(), queue.step()]).toEqual([['short'], ['short'], ['long']])
    const view = queue.scheduler.sequence(queue.slotOf('long'))
    expect(view).toMatchObject({ preemptions: 1, outputTokens: 3, arrivalUs: 0 })
  })

  test('without it a running sequence is left alone', () => {
    const queue = new QueueUnderTest({ order: 'srpt' })
    queue.submit('long', { promptTokens: 10, maxOutputTokens: 3 })
    queue.step()
    queue.submit('short', { promptTokens: 5, maxOutputTokens: 2 })
    expect([queue.step(), queue.step(), queue.step()]).toEqual([['long'], ['long'], ['short']])
  })

  const better: { readonly [order in OrderPolicy]?: object } = {
    priority: { priority: 1 },
    'weighted-fifo': { weight: 2 },
    srpt: { maxOutputTokens: 5 },
    wsrpt: { weight: 100 },
    edf: { deadlineUs: 50_000 },
  }
  const preemptible = orderPolicies.filter((order) => whyNotPreemptive(order) === undefined)

  test.each(preemptible)('in order %s the better displaces the worse, never the other way round', (order) => {
    const queue = new QueueUnderTest({ order, preemptive: true })
    queue.submit('worse', { maxOutputTokens: 40 })
    queue.step()
    queue.submit('better', { maxOutputTokens: 40, ...better[order] })
    expect(queue.step()).toEqual(['better'])
    queue.submit('alike', { maxOutputTokens: 40 })
    expect(queue.step()).toEqual(['better'])
    expect(admissions(queue.drain())).toEqual(['better', 'worse', 'alike'])
  })

  test.each(['fcfs', 'fair'] as const)('order %s is refused as preemptive, by name', (order) => {
    expect(() => new QueueUnderTest({ order, preemptive: true })).toThrow(
      `order ${order} cannot be preemptive`,
    )
  })

  test('a scheduler that is not told otherwise ages nothing and displaces nobody', () => {
    expect(defaultSchedulerConfig).toMatchObject({ order: 'fcfs', agingPerUs: 0, preemptive: false })
  })
})

/** Each id where it comes first. */
function admissions(ids: readonly string[]): readonly string[] {
  return ids.filter((id, i) => ids.indexOf(id) === i)
}
