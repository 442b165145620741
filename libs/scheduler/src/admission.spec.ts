import { SeededRng } from '@kvasir/kernel'
import { SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { QueueUnderTest } from './testing/queue-under-test.js'

const document = (prefixBlocks: readonly number[]) =>
  new SyntheticContent({ uniqueSeed: prefixBlocks[0], prefixBlocks, prefixBlockTokens: 160 })

describe('refusals', () => {
  test('name their numbers', () => {
    const queue = new QueueUnderTest({ contextLimit: 2_000, queueLimit: 1 })
    queue.scheduler.setBlockCeiling(10)
    queue.now = 1_000
    expect(queue.submit('a', { promptTokens: 2_000 })).toEqual({
      kind: 'refused',
      reason: 'prompt_exceeds_context',
      detail: '2000 prompt tokens leave no room for an output within 2000',
    })
    expect(queue.submit('b', { promptTokens: 150, maxOutputTokens: 12 })).toEqual({
      kind: 'refused',
      reason: 'exceeds_lease',
      detail: '150 + 12 tokens need 11 blocks of 16; the engine can hold 10',
    })
    expect(queue.submit('c', { promptTokens: 50, deadlineUs: 1_049 })).toEqual({
      kind: 'refused',
      reason: 'deadline_unreachable',
      detail: 'first token at 1050 us at best, after 50 prompt tokens, due at 1049 us',
    })
    expect(queue.submit('d')).toMatchObject({ kind: 'accepted' })
    expect(queue.submit('e')).toEqual({
      kind: 'refused',
      reason: 'queue_full',
      detail: '1 sequences wait; the limit is 1',
    })
  })

  test('hold up nobody: what comes behind them runs as if they had never been', () => {
    const queue = new QueueUnderTest({ contextLimit: 100 })
    queue.submit('too-long', { promptTokens: 100 })
    queue.submit('too-late', { deadlineUs: 1 })
    queue.submit('fits')
    expect([queue.step(), queue.scheduler.unfinishedCount]).toEqual([['fits'], 0])
  })

  test.each([1, 2, 3])('never meet a deadline that an empty engine could keep (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'deadlines')
    for (let i = 0; i < 200; i++) {
      const promptTokens = 1 + rng.int(500)
      const stepTokenLimit = 1 + rng.int(300)
      const alone = new QueueUnderTest({ stepTokenLimit })
      alone.submit('s', { promptTokens })
      alone.drain()
      const again = new QueueUnderTest({ stepTokenLimit })
      expect(again.submit('s', { promptTokens, deadlineUs: alone.now })).toMatchObject({ kind: 'accepted' })
      expect(again.submit('t', { promptTokens, deadlineUs: promptTokens - 1 })).toMatchObject({
        reason: 'deadline_unreachable',
      })
    }
  })

  test('count on what the prefix cache has', () => {
    const queue = new QueueUnderTest({ prefixCaching: true })
    const prompt = { promptTokens: 170, content: document([7]) }
    expect(queue.submit('cold', { ...prompt, deadlineUs: 100 })).toMatchObject({ kind: 'refused' })
    queue.submit('warms', prompt)
    queue.drain()
    const deadlineUs = queue.now + 10
    expect(queue.submit('warm', { ...prompt, deadlineUs })).toMatchObject({ kind: 'accepted' })
    queue.drain()
    expect(queue.now).toBe(deadlineUs)
    expect(queue.submit('warm', { ...prompt, deadlineUs: queue.now + 9 })).toMatchObject({
      detail: `first token at ${queue.now + 10} us at best, after 10 prompt tokens, due at ${queue.now + 9} us`,
    })
  })
})

describe('shedding', () => {
  /** One runs for 1,000 us, two wait behind it. */
  function busy(config: ConstructorParameters<typeof QueueUnderTest>[0]) {
    const queue = new QueueUnderTest(config)
    queue.submit('long', { promptTokens: 1_000, maxOutputTokens: 2 })
    queue.submit('due', { promptTokens: 100, deadlineUs: 1_050 })
    queue.submit('patient', { promptTokens: 100, deadlineUs: 5_000 })
    queue.step()
    return queue
  }
  const shedIds = (queue: QueueUnderTest) => {
    const waiting = new Map(queue.scheduler.waitingSlots().map((slot) => [slot, queue.scheduler.id(slot)]))
    return queue.scheduler.shed(queue.now).map((slot) => waiting.get(slot))
  }

  test('ends what cannot meet its deadline any more, once, and nothing else', () => {
    const queue = busy({ shedUnreachable: true })
    expect([shedIds(queue), shedIds(queue), queue.waitingIds()]).toEqual([['due'], [], ['patient']])
    queue.scheduler.audit()
    expect(queue.drain()).not.toContain('due')
  })

  test('is off by default: late is better than never', () => {
    const queue = busy({})
    expect([shedIds(queue), queue.waitingIds()]).toEqual([[], ['due', 'patient']])
  })

  test('waits for the last moment at which it could still begin', () => {
    const queue = busy({ shedUnreachable: true })
    queue.submit('next', { promptTokens: 200, deadlineUs: queue.now + 500 })
    const lastMomentUs = queue.now + 300
    expect(shedIds(queue)).toEqual(['due'])
    queue.now = lastMomentUs
    expect(shedIds(queue)).toEqual([])
    queue.now++
    expect(shedIds(queue)).toEqual(['next'])
  })

  test('spares what has begun, even when it was stopped before its first token', () => {
    const queue = new QueueUnderTest({ shedUnreachable: true, stepTokenLimit: 50 })
    queue.submit('begun', { promptTokens: 100, deadlineUs: 100 })
    queue.step()
    queue.scheduler.releaseBundles(queue.now, 4_096)
    queue.now = 500
    expect([shedIds(queue), queue.waitingIds()]).toEqual([[], ['begun']])
    expect(queue.drain()).toEqual(['begun', 'begun'])
  })

  test('counts on what the prefix cache has by then', () => {
    const queue = new QueueUnderTest({ shedUnreachable: true, prefixCaching: true })
    const content = document([3])
    queue.submit('first', { promptTokens: 170, content })
    queue.submit('second', { promptTokens: 170, content, deadlineUs: 200 })
    queue.step()
    expect([queue.now, shedIds(queue)]).toEqual([170, []])
    expect(queue.step()).toEqual(['second'])
    expect(queue.now).toBeLessThanOrEqual(200)
  })

  test('knows a slot that another sequence had before', () => {
    const queue = new QueueUnderTest({ shedUnreachable: true })
    queue.submit('aborted', { deadlineUs: 50 })
    queue.scheduler.abort(queue.slotOf('aborted'))
    queue.step()
    queue.submit('same-slot', { deadlineUs: 10_000 })
    queue.now = 1_000
    expect([shedIds(queue), queue.waitingIds()]).toEqual([[], ['same-slot']])
    queue.now = 10_000
    expect(shedIds(queue)).toEqual(['same-slot'])
  })
})
