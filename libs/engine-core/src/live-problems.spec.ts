import { defaultSchedulerConfig } from '@kvasir/scheduler'
import { expect, test } from 'vitest'
import { liveProblems } from './live-problems.js'

test('a live engine refuses the oracle by name, and says what else there is', () => {
  expect(liveProblems({ ...defaultSchedulerConfig, predictor: 'oracle' })).toEqual([
    'predictor is "oracle"; a live engine does not know how long an output will be: it must be max-tokens or learned',
  ])
})

test.each(['max-tokens', 'learned'] as const)('a live engine takes predictor %s', (predictor) => {
  expect(liveProblems({ ...defaultSchedulerConfig, predictor })).toEqual([])
})
