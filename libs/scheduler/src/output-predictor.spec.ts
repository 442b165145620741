import { SeededRng } from '@kvasir/kernel'
import { SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { makeOutputPredictor, SAMPLES_NEEDED } from './output-predictor.js'
import { defaultSchedulerConfig } from './config.js'
import type { SequenceInput } from './sequence-input.js'
import { QueueUnderTest } from './testing/queue-under-test.js'

const input: SequenceInput = {
  id: 's',
  promptTokens: 10,
  maxOutputTokens: 4_096,
  knownOutputTokens: 77,
  priority: 0,
  arrivalUs: 0,
  content: new SyntheticContent({ uniqueSeed: 0 }),
}

describe('predictors of output length', () => {
  test('max-tokens says what the client allows, the oracle what will be', () => {
    expect(makeOutputPredictor('max-tokens', 0.5).predict(input, 3)).toBe(4_096)
    expect(makeOutputPredictor('oracle', 0.5).predict(input, 3)).toBe(77)
  })

  test('an oracle that is not told the truth says so, instead of guessing', () => {
    const { knownOutputTokens: _, ...unknown } = input
    expect(() => makeOutputPredictor('oracle', 0.5).predict(unknown, 0)).toThrow(
      'predictor oracle: nobody knows how long the output of s will be',
    )
  })

  test('learned says max-tokens until enough have finished, then their quantile, never above max-tokens', () => {
    const learned = makeOutputPredictor('learned', 0.5)
    for (let i = 1; i < SAMPLES_NEEDED; i++) learned.learn(i)
    expect(learned.predict(input, 0)).toBe(4_096)
    learned.learn(SAMPLES_NEEDED)
    expect(learned.predict(input, 0)).toBe(SAMPLES_NEEDED / 2)
    expect(learned.predict({ ...input, maxOutputTokens: 12 }, 0)).toBe(12)
  })

  test('learned expects more of what has outlived the quantile, and max-tokens of what has outlived all', () => {
    const learned = makeOutputPredictor('learned', 0.5)
    for (let i = 0; i < 100; i++) learned.learn(i < 90 ? 10 : 1_000)
    expect([0, 10, 500, 2_000].map((outputs) => learned.predict(input, outputs))).toEqual([
      10, 1_023, 1_023, 4_096,
    ])
  })

  test.each([1, 2, 3])('two that learn the same in the same order agree always (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'predictor')
    const one = makeOutputPredictor('learned', 0.7)
    const other = makeOutputPredictor('learned', 0.7)
    for (let i = 0; i < 5_000; i++) {
      const length = 1 + rng.int(3_000)
      one.learn(length)
      // Asking changes nothing.
      one.predict(input, rng.int(100))
      other.learn(length)
      expect(one.predict(input, i % 50)).toBe(other.predict(input, i % 50))
    }
  })
})

describe('a scheduler that predicts', () => {
  test('learns from what has finished, not from what was aborted', () => {
    const queue = new QueueUnderTest({ order: 'srpt', predictor: 'learned', sequenceLimit: 64 })
    for (let i = 0; i < SAMPLES_NEEDED; i++)
      queue.submit(`s${i}`, { maxOutputTokens: 500, knownOutputTokens: 4 })
    queue.submit('aborted', { maxOutputTokens: 500 })
    for (let i = 0; i < 3; i++) queue.step()
    queue.scheduler.abort(queue.slotOf('aborted'))
    queue.drain()
    // 10 tokens of prompt and 4 of output are less than 60 and 1: known only to who has learned.
    queue.submit('long-prompt', { promptTokens: 60, maxOutputTokens: 1 })
    queue.submit('short', { maxOutputTokens: 500, knownOutputTokens: 4 })
    expect(queue.waitingIds()).toEqual(['short', 'long-prompt'])
  })

  test('knows that a sequence stops before its limit where that is said, and calls it a stop', () => {
    const queue = new QueueUnderTest({ predictor: 'oracle' })
    queue.submit('known', { maxOutputTokens: 100, knownOutputTokens: 3 })
    expect(queue.drain()).toEqual(['known', 'known', 'known'])
    expect(queue.outputs.get('known')).toBe(3)
    expect(queue.reasons).toEqual(['stop'])
    queue.submit('all', { maxOutputTokens: 3, knownOutputTokens: 3 })
    queue.drain()
    expect(queue.reasons).toEqual(['stop', 'length'])
  })

  test('an output known to be longer than it may be is a mistake of the caller', () => {
    const queue = new QueueUnderTest({})
    expect(() => queue.submit('s', { maxOutputTokens: 3, knownOutputTokens: 4 })).toThrow(
      's: output known to end after 4 tokens, at most 3',
    )
  })

  test.each([0, 1.5, -1])('a quantile of %d is no setting', (predictorQuantile) => {
    expect(() => new QueueUnderTest({ predictorQuantile })).toThrow(`predictorQuantile ${predictorQuantile}`)
    expect(defaultSchedulerConfig.predictorQuantile).toBe(0.5)
  })
})
