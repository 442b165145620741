import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig, type SchedulerConfig, type SequenceCosts } from './config.js'
import { Scheduler } from './scheduler.js'
import type { SequenceInput } from './sequence-input.js'
import type { StepPlan } from './step-plan.js'

interface EngineOptions {
  readonly config?: Partial<SchedulerConfig>
  readonly blockSize?: number
  readonly bundles?: number
  readonly blocksPerBundle?: number
  readonly costs?: SequenceCosts
}

function makeEngine({
  config = {},
  blockSize = 4,
  bundles = 16,
  blocksPerBundle = 1,
  costs,
}: EngineOptions = {}) {
  const full: SchedulerConfig = {
    ...defaultSchedulerConfig,
    prefixCaching: false,
    contextLimit: 1_000,
    ...config,
  }
  const pool = new BlockPool({
    blockSize,
    blocksPerBundle,
    bundleCapacity: bundles,
    placement: 'queue-order',
    prefixCaching: full.prefixCaching,
  })
  pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
  const scheduler = costs === undefined ? new Scheduler(full, pool) : new Scheduler(full, pool, costs)
  let submitted = 0
  const submit = (input: Partial<SequenceInput> = {}) =>
    scheduler.submit(0, {
      id: `s${submitted}`,
      promptTokens: 4,
      maxOutputTokens: 8,
      priority: 0,
      arrivalUs: submitted,
      content: new SyntheticContent({ uniqueSeed: submitted++ }),
      ...input,
    })
  const accept = (input: Partial<SequenceInput> = {}) => {
    const submission = submit(input)
    if (submission.kind !== 'accepted') throw new Error(submission.detail)
    return submission.slot
  }
  const step = (tokenLimit = Infinity) => {
    const plan = scheduler.plan(0, tokenLimit)
    const shown = show(scheduler, plan)
    if (plan.count > 0) scheduler.complete(0, plan)
    scheduler.audit()
    return shown
  }
  return { scheduler, pool, submit, accept, step }
}

function show(scheduler: Scheduler, plan: StepPlan): string {
  const entries = Array.from({ length: plan.count }, (_, k) => {
    return `${scheduler.id(plan.slots[k])}:${'RNP'[plan.kinds[k]]}:${plan.tokens[k]}@${plan.computed[k]}`
  })
  const preempted = Array.from(plan.preempted.subarray(0, plan.preemptedCount), (slot) => scheduler.id(slot))
  return preempted.length === 0 ? entries.join(' ') : `${entries.join(' ')} | -${preempted.join(' -')}`
}

describe('a step', () => {
  test('a prompt is computed, then one token a step, until its length', () => {
    const { accept, step, scheduler } = makeEngine()
    accept({ promptTokens: 6, maxOutputTokens: 3 })
    expect([step(), step(), step(), step()]).toEqual(['s0:N:6@0', 's0:R:1@6', 's0:R:1@7', ''])
    expect(scheduler.unfinishedCount).toBe(0)
  })

  test('running sequences come first, and prompts are cut to what is left of the step', () => {
    const { accept, step } = makeEngine({ config: { stepTokenLimit: 5 } })
    accept({ promptTokens: 3 })
    accept({ promptTokens: 9 })
    expect([step(), step(), step()]).toEqual(['s0:N:3@0 s1:N:2@0', 's0:R:1@3 s1:R:4@2', 's0:R:1@4 s1:R:3@6'])
  })

  test('the token limit of one step overrides the configured one only downwards', () => {
    const { accept, step } = makeEngine({ config: { stepTokenLimit: 5 } })
    accept({ promptTokens: 12 })
    expect([step(2), step(100), step(0), step()]).toEqual(['s0:N:2@0', 's0:R:5@2', '', 's0:R:5@7'])
  })

  test('the prefill limit holds back prompts, never decodes', () => {
    const { accept, step } = makeEngine({ config: { prefillTokenLimit: 4 } })
    accept({ promptTokens: 2 })
    accept({ promptTokens: 6 })
    accept({ promptTokens: 2 })
    expect([step(), step(), step()]).toEqual([
      's0:N:2@0 s1:N:2@0',
      's0:R:1@2 s1:R:4@2',
      's0:R:1@3 s1:R:1@6 s2:N:2@0',
    ])
  })

  test('its shape is what a cost model wants to know', () => {
    const { accept, step, scheduler } = makeEngine()
    accept({ promptTokens: 3 })
    step()
    accept({ promptTokens: 5 })
    const plan = scheduler.plan(0, Infinity)
    expect(plan).toMatchObject({
      sequences: 2,
      totalTokens: 6,
      decodeSequences: 1,
      decodeContextTokens: 4,
      prefillTokens: 5,
      prefillContextTokens: 5,
      prefillPairs: 15,
    })
  })

  test('an end-of-sequence token ends a sequence with reason stop, and goes before the length', () => {
    const { accept, scheduler } = makeEngine()
    const slot = accept({ maxOutputTokens: 1 })
    const outcome = scheduler.complete(0, scheduler.plan(0, Infinity), (stopped) => stopped === slot)
    expect([outcome.finishedCount, outcome.finishedSlots[0], outcome.finishedReasons[0]]).toEqual([
      1,
      slot,
      0,
    ])
    expect(scheduler.sequence(slot)).toMatchObject({ state: 'ended', outputTokens: 1 })
  })

  test('is planned only after the last one was completed or cancelled', () => {
    const { accept, scheduler } = makeEngine()
    accept()
    const plan = scheduler.plan(0, Infinity)
    expect(() => scheduler.plan(0, Infinity)).toThrow('plan before the last step was completed')
    scheduler.complete(0, plan)
    expect(() => scheduler.complete(0, plan)).toThrow('not in flight')
  })
})

describe('memory', () => {
  test('the sequence admitted last makes room, waits in front and begins again', () => {
    const { accept, step, scheduler } = makeEngine({ bundles: 3 })
    accept({ promptTokens: 4, maxOutputTokens: 8 })
    const second = accept({ promptTokens: 4, maxOutputTokens: 8 })
    expect([step(), step(), step()]).toEqual(['s0:N:4@0 s1:N:4@0', 's0:R:1@4 | -s1', 's0:R:1@5'])
    expect(scheduler.sequence(second)).toMatchObject({
      preemptions: 1,
      outputTokens: 1,
      state: 'waiting',
      blocks: 0,
    })
    for (let i = 0; i < 5; i++) step()
    expect(step()).toBe('s1:P:5@0')
    expect(scheduler.sequence(second).recomputedTokens).toBe(4)
  })

  test('a preempted sequence finds its own blocks in the prefix cache', () => {
    const { accept, step, scheduler } = makeEngine({ bundles: 4, config: { prefixCaching: true } })
    accept({ promptTokens: 4, maxOutputTokens: 4 })
    const second = accept({ promptTokens: 7, maxOutputTokens: 8 })
    expect([step(), step(), step()]).toEqual(['s0:N:4@0 s1:N:7@0', 's0:R:1@4 s1:R:1@7', 's0:R:1@5 | -s1'])
    step()
    // Both its full blocks are still cached; one token at least is always computed again.
    expect(step()).toBe('s1:P:1@8')
    expect(scheduler.sequence(second)).toMatchObject({ hitTokens: 8, recomputedTokens: 0 })
  })

  test('a lower priority gives way even when the step has scheduled it already, and its plan is taken back', () => {
    const { accept, step } = makeEngine({
      bundles: 4,
      config: { order: 'priority', victim: 'lowest-priority', stepTokenLimit: 100 },
    })
    accept({ promptTokens: 7, priority: 0 })
    accept({ promptTokens: 8, priority: 5 })
    expect(step()).toBe('s1:N:8@0 s0:N:7@0')
    accept({ promptTokens: 1, priority: 9 })
    expect(step()).toBe('s1:R:1@8 | -s0')
  })

  test.each([
    [false, 's2:N:8@16'],
    // As recorded: the fifth block was registered, but nobody ever computed it.
    [true, 's2:N:4@20'],
  ])('what a taken-back sequence was to compute is cached only as recorded (%s)', (keepTakenBack, shown) => {
    const { accept, step } = makeEngine({
      bundles: 8,
      config: {
        order: 'priority',
        victim: 'lowest-priority',
        prefixCaching: true,
        longPrefillThreshold: 8,
        keepTakenBack,
      },
    })
    const content = new SyntheticContent({ uniqueSeed: 7 })
    accept({ promptTokens: 28, maxOutputTokens: 2, priority: 0, content })
    step()
    accept({ promptTokens: 8, maxOutputTokens: 2, priority: 5 })
    expect(step()).toBe('s0:R:8@8 s1:N:8@0')
    // Here s0 would fill its fifth and sixth block, but s1, after it, lacks a third.
    expect(step()).toBe('s1:R:1@8 | -s0')
    accept({ promptTokens: 24, maxOutputTokens: 2, priority: 9, content })
    expect(step().split(' ')[0]).toBe(shown)
  })

  test('the watermark leaves room for those that run, and binds nobody when none does', () => {
    const { accept, step } = makeEngine({ bundles: 10, config: { watermark: 0.3 } })
    accept({ promptTokens: 36, maxOutputTokens: 2 })
    expect(step()).toBe('s0:N:36@0')
    accept({ promptTokens: 4 })
    expect(step()).toBe('s0:R:1@36')
    expect(step()).toBe('s1:N:4@0')
  })

  test('says how many blocks were missing', () => {
    const { accept, scheduler } = makeEngine({ bundles: 4 })
    accept({ promptTokens: 8 })
    accept({ promptTokens: 16, maxOutputTokens: 1 })
    const plan = scheduler.plan(0, Infinity)
    expect(scheduler.shortageBlocks(plan)).toBe(2)
    expect(scheduler.demandBlocks()).toBe(6)
    scheduler.complete(0, plan)
    expect(scheduler.shortageBlocks(scheduler.plan(0, Infinity))).toBe(3)
  })

  test('the lease may grow between steps', () => {
    const { accept, step, pool } = makeEngine({ bundles: 4 })
    for (const id of [1, 2, 3]) pool.unmapBundle(id)
    accept({ promptTokens: 8 })
    expect(step()).toBe('')
    pool.mapBundles([2])
    expect(step()).toBe('s0:N:8@0')
  })
})

describe('size', () => {
  test.each([1, 16, 256])('a million-token prompt is computed in chunks, with block size %i', (blockSize) => {
    const tokens = 1_000_000
    const { accept, scheduler, pool } = makeEngine({
      blockSize,
      bundles: Math.ceil((tokens + 8) / blockSize),
      config: { prefixCaching: true, contextLimit: tokens + 8, stepTokenLimit: 8_192 },
    })
    const slot = accept({ promptTokens: tokens, maxOutputTokens: 2 })
    let steps = 0
    for (; scheduler.unfinishedCount > 0; steps++) scheduler.complete(0, scheduler.plan(0, Infinity))
    expect(steps).toBe(Math.ceil(tokens / 8_192) + 1)
    expect(scheduler.outputTokens(slot)).toBe(2)
    expect(pool.cachedFreeBlocks).toBe(Math.floor((tokens + 1) / blockSize))
  })
})

describe('while a step is in flight', () => {
  test('an aborted sequence gets nothing from it', () => {
    const { accept, scheduler, pool } = makeEngine()
    const first = accept()
    const second = accept()
    const plan = scheduler.plan(0, Infinity)
    expect(scheduler.abort(first)).toBe(true)
    const outcome = scheduler.complete(0, plan)
    expect(Array.from(outcome.tokenSlots.subarray(0, outcome.tokenCount))).toEqual([second])
    scheduler.audit()
    expect(pool.usedBlocks).toBe(1)
  })

  test('a slot that is freed is not handed out before the step is over', () => {
    const { accept, scheduler } = makeEngine()
    const first = accept()
    const plan = scheduler.plan(0, Infinity)
    scheduler.abort(first)
    expect(accept()).not.toBe(first)
    scheduler.complete(0, plan)
    expect(scheduler.sequence(first).state).toBe('ended')
  })

  test('a sequence that ended with a step is readable until the next one has ended, not only until it is planned', () => {
    const { accept, scheduler } = makeEngine()
    const short = accept({ maxOutputTokens: 1 })
    accept({ maxOutputTokens: 5 })
    const next = () => scheduler.plan(0, Infinity)
    const outcome = scheduler.complete(0, next())
    expect([...outcome.finishedSlots.subarray(0, outcome.finishedCount)]).toEqual([short])
    const plan = next()
    expect(scheduler.sequence(short).state).toBe('ended')
    scheduler.complete(0, plan)
    next()
    expect(() => scheduler.sequence(short)).toThrow('holds no sequence')
  })

  test('a cancelled step leaves its sequences waiting in their old order, with nothing computed', () => {
    const { accept, scheduler, step } = makeEngine({ config: { prefixCaching: true } })
    accept({ promptTokens: 9 })
    step()
    accept({ promptTokens: 9 })
    const plan = scheduler.plan(0, Infinity)
    expect(scheduler.cancel(plan).map((slot) => scheduler.id(slot))).toEqual(['s0', 's1'])
    scheduler.audit()
    expect(step()).toBe('s0:P:2@8 s1:P:9@0')
  })
})

describe('admission', () => {
  test.each([
    ['prompt_exceeds_context', { promptTokens: 1_000 }],
    ['exceeds_lease', { promptTokens: 60, maxOutputTokens: 6 }],
    ['deadline_unreachable', { promptTokens: 50, deadlineUs: 49 }],
  ])('refuses with %s what can never run', (reason, input) => {
    const { submit, scheduler } = makeEngine({ bundles: 16 })
    expect(submit(input)).toMatchObject({ kind: 'refused', reason })
    expect(scheduler.unfinishedCount).toBe(0)
    scheduler.audit()
  })

  test('a sequence that fits to its last block is taken: the KV of the last token is never computed', () => {
    const { submit } = makeEngine({ bundles: 16 })
    expect(submit({ promptTokens: 60, maxOutputTokens: 5 }).kind).toBe('accepted')
  })

  test('an output longer than the context is cut there', () => {
    const { accept, step, scheduler } = makeEngine({ config: { contextLimit: 7 } })
    accept({ promptTokens: 5, maxOutputTokens: 50 })
    expect([step(), step(), step()]).toEqual(['s0:N:5@0', 's0:R:1@5', ''])
    expect(scheduler.unfinishedCount).toBe(0)
  })

  test('a full queue says so', () => {
    const { submit } = makeEngine({ config: { queueLimit: 2 } })
    expect([submit().kind, submit().kind]).toEqual(['accepted', 'accepted'])
    expect(submit()).toMatchObject({ reason: 'queue_full', detail: '2 sequences wait; the limit is 2' })
  })

  test('a lower ceiling names the sequences that can never fit any more, a higher one lets more in', () => {
    const { accept, submit, scheduler } = makeEngine({ bundles: 16 })
    const long = accept({ promptTokens: 40 })
    accept()
    expect(scheduler.setBlockCeiling(5)).toEqual([long])
    expect(submit({ promptTokens: 40 })).toMatchObject({ reason: 'exceeds_lease' })
    expect(scheduler.setBlockCeiling(16)).toEqual([])
    expect(submit({ promptTokens: 40 }).kind).toBe('accepted')
  })

  test('settings under which a prompt could never be computed are refused', () => {
    expect(() => makeEngine({ config: { chunkedPrefill: false, stepTokenLimit: 100 } })).toThrow(
      'without chunked prefill a step must take 999 tokens',
    )
  })
})

describe('what the coordinator hears', () => {
  test('decodes, prefill and priorities', () => {
    const { accept, step, scheduler } = makeEngine({ config: { stepTokenLimit: 10 } })
    expect([scheduler.highestWaitingPriority(), scheduler.lowestRunningPriority()]).toEqual([
      -Infinity,
      Infinity,
    ])
    accept({ promptTokens: 4, priority: 3 })
    accept({ promptTokens: 12, priority: 1 })
    accept({ promptTokens: 20, priority: 7 })
    step()
    expect(scheduler.runningDecodes).toBe(1)
    expect(scheduler.outstandingPrefillTokens).toBe(6 + 20)
    expect([scheduler.highestWaitingPriority(), scheduler.lowestRunningPriority()]).toEqual([7, 1])
  })

  test('what decodes counts while its step is under way too', () => {
    const { accept, scheduler } = makeEngine()
    accept({ promptTokens: 4 })
    const prefill = scheduler.plan(0, Infinity)
    expect([scheduler.runningDecodes, scheduler.outstandingPrefillTokens]).toEqual([1, 0])
    scheduler.complete(1, prefill)
    expect(scheduler.runningDecodes).toBe(1)
    scheduler.plan(1, Infinity)
    expect(scheduler.runningDecodes).toBe(1)
  })

  test('whether anything decodes at all: not while only prompts run', () => {
    const { accept, step, scheduler } = makeEngine({ config: { stepTokenLimit: 4 } })
    expect(scheduler.decodes).toBe(false)
    accept({ promptTokens: 6 })
    step()
    expect(scheduler.decodes).toBe(false)
    step()
    expect(scheduler.decodes).toBe(true)
  })

  test('fragmentation', () => {
    const { accept, step, scheduler } = makeEngine({ bundles: 4, blocksPerBundle: 4 })
    accept({ promptTokens: 6 })
    step()
    expect(scheduler.fragmentation()).toEqual({
      heldSlots: 8,
      unusedSlots: 2,
      internal: 0.25,
      bundlesInUse: 1,
      strandedBlocks: 2,
      bundle: 0.5,
      idleBundles: 3,
      pool: 0.75,
    })
  })
})
