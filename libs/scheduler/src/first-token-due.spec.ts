import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, it } from 'vitest'
import { defaultSchedulerConfig } from './config.js'
import { Scheduler } from './scheduler.js'

/** Steps of 4 tokens; a millisecond a token. */
function engine() {
  const pool = new BlockPool({
    blockSize: 4,
    blocksPerBundle: 1,
    bundleCapacity: 16,
    placement: 'queue-order',
    prefixCaching: false,
  })
  pool.mapBundles(Array.from({ length: 16 }, (_, i) => i))
  const config = { ...defaultSchedulerConfig, prefixCaching: false, stepTokenLimit: 4 }
  const costs = { recomputeUs: (tokens: number) => 1_000 * tokens, swapUs: () => Infinity }
  const scheduler = new Scheduler(config, pool, costs)
  let submitted = 0
  return {
    scheduler,
    submit: (arrivalUs: number, promptTokens: number) =>
      scheduler.submit(arrivalUs, {
        id: `s${submitted}`,
        promptTokens,
        maxOutputTokens: 5,
        priority: 0,
        arrivalUs,
        content: new SyntheticContent({ uniqueSeed: submitted++ }),
      }),
    step: () => scheduler.complete(0, scheduler.plan(0, Infinity)),
  }
}

describe('when an engine must go on with its prompts', () => {
  it('is when what is promised would be just enough for the rest of one of them', () => {
    const { scheduler, submit, step } = engine()
    expect(scheduler.firstTokenDueUs(0, 50_000)).toBe(Infinity)
    submit(10_000, 8)
    expect(scheduler.firstTokenDueUs(10_000, 50_000)).toBe(52_000)
    step()
    expect(scheduler.firstTokenDueUs(10_000, 50_000)).toBe(56_000)
    step()
    // Its first token has come.
    expect(scheduler.firstTokenDueUs(10_000, 50_000)).toBe(Infinity)
  })

  it('is never for the sake of what is late already', () => {
    const { scheduler, submit, step } = engine()
    submit(0, 8)
    submit(30_000, 4)
    step()
    // Four tokens are left of the first, due at 50 ms at the latest; the second waits, until 76 ms.
    expect(scheduler.firstTokenDueUs(46_000, 50_000)).toBe(46_000)
    expect(scheduler.firstTokenDueUs(46_001, 50_000)).toBe(76_000)
  })
})
