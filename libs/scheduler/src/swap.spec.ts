import { BlockPool, SwapSpace, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig, type SchedulerConfig, type SequenceCosts } from './config.js'
import { Scheduler } from './scheduler.js'
import type { SequenceInput } from './sequence-input.js'
import type { StepPlan } from './step-plan.js'

const kinds = 'RNPS'

/** Blocks of four tokens, bundles of one block. */
function makeEngine(options: {
  readonly config?: Partial<SchedulerConfig>
  readonly blocks: number
  readonly hostBlocks: number
  readonly costs?: SequenceCosts
}) {
  const config = {
    ...defaultSchedulerConfig,
    prefixCaching: false,
    preemption: 'swap',
    ...options.config,
  } as const
  const pool = new BlockPool({
    blockSize: 4,
    blocksPerBundle: 1,
    bundleCapacity: options.blocks,
    placement: 'queue-order',
    prefixCaching: config.prefixCaching,
  })
  pool.mapBundles(Array.from({ length: options.blocks }, (_, id) => id))
  const costs = options.costs ?? {
    recomputeUs: (tokens: number) => 10 * tokens,
    swapUs: (n: number) => 10 * n,
  }
  const scheduler = new Scheduler(config, pool, costs, new SwapSpace(options.hostBlocks))
  let submitted = 0
  const accept = (input: Partial<SequenceInput> = {}) => {
    const submission = scheduler.submit(0, {
      id: `s${submitted}`,
      promptTokens: 4,
      maxOutputTokens: 8,
      priority: 0,
      arrivalUs: submitted,
      content: new SyntheticContent({ uniqueSeed: submitted++ }),
      ...input,
    })
    if (submission.kind !== 'accepted') throw new Error(submission.detail)
    return submission.slot
  }
  const step = () => {
    const plan = scheduler.plan(0, Infinity)
    const shown = show(scheduler, plan)
    if (plan.count > 0) scheduler.complete(0, plan)
    scheduler.audit()
    return shown
  }
  return { scheduler, pool, accept, step }
}

function show(scheduler: Scheduler, plan: StepPlan): string {
  const { copies } = plan
  const words = Array.from({ length: plan.count }, (_, k) => {
    const kind = kinds[plan.kinds[k]]
    return `${scheduler.id(plan.slots[k])}:${kind}:${plan.tokens[k]}@${plan.computed[k]}`
  })
  for (const slot of plan.preempted.subarray(0, plan.preemptedCount)) words.push(`-${scheduler.id(slot)}`)
  const pairs = (list: ArrayLike<number>, count: number) =>
    Array.from({ length: count }, (_, k) => `${list[2 * k]}/${list[2 * k + 1]}`).join(',')
  if (copies.outCount > 0) words.push(`out ${pairs(copies.outs, copies.outCount)}`)
  if (copies.inCount > 0) words.push(`in ${pairs(copies.ins, copies.inCount)}`)
  return words.join(' ')
}

/** Two sequences that fill a pool of five blocks until the second one must give way in the fourth step. */
function crowded(options: Partial<Parameters<typeof makeEngine>[0]> = {}) {
  const engine = makeEngine({ blocks: 5, hostBlocks: 8, ...options })
  engine.accept({ promptTokens: 6, maxOutputTokens: 8 })
  const second = engine.accept({ promptTokens: 6, maxOutputTokens: 8 })
  for (let i = 0; i < 3; i++) engine.step()
  return { ...engine, second }
}

describe('swap', () => {
  test('a stopped sequence goes to host memory and comes back with all of its tokens and its age', () => {
    const { scheduler, step, second } = crowded()
    const before = scheduler.sequence(second)
    expect(before).toMatchObject({ computed: 8, outputTokens: 3 })
    expect(step()).toBe('s0:R:1@8 -s1 out 2/0,3/1')
    expect(scheduler.sequence(second)).toMatchObject({
      state: 'swapped',
      swappedTokens: 8,
      lostTokens: 0,
      outputTokens: 3,
      arrivalUs: before.arrivalUs,
    })
    const steps = Array.from({ length: 5 }, step)
    expect(steps).toEqual(['s0:R:1@9', 's0:R:1@10', 's0:R:1@11', 's0:R:1@12', 's1:S:1@8 in 2/0,3/1'])
    expect(scheduler.sequence(second)).toMatchObject({
      restoredTokens: 8,
      recomputedTokens: 0,
      outputTokens: 4,
    })
    expect(scheduler.swap.usedBlocks).toBe(0)
  })

  test('what the prefix cache still has is not copied back', () => {
    const { scheduler, accept, step } = makeEngine({
      blocks: 8,
      hostBlocks: 8,
      config: { prefixCaching: true },
    })
    const slot = accept({ promptTokens: 11, maxOutputTokens: 8 })
    step()
    const { copies } = scheduler.releaseBundles(0, 8)
    expect(copies.outCount).toBe(3)
    // Blocks 0 and 1 are full and in the cache; of the third, three tokens were computed.
    expect(step()).toBe('s0:S:1@11 in 2/2')
    expect(scheduler.sequence(slot)).toMatchObject({ hitTokens: 8, restoredTokens: 3, recomputedTokens: 0 })
  })

  test('is not done without room for the whole sequence', () => {
    const { scheduler, step, second } = crowded({ hostBlocks: 1 })
    expect(step()).toBe('s0:R:1@8 -s1')
    expect(scheduler.sequence(second)).toMatchObject({ state: 'waiting', swappedTokens: 0, lostTokens: 8 })
  })

  test.each([
    [79, 'out 2/0,3/1'],
    [80, ''],
  ])('of recomputing at 80 us and swapping at %i us the cheaper is chosen', (us, copies) => {
    const costs: SequenceCosts = { recomputeUs: (tokens) => 10 * tokens, swapUs: () => us }
    const { step } = crowded({ config: { preemption: 'cheapest' }, costs })
    expect(step()).toBe(`s0:R:1@8 -s1 ${copies}`.trimEnd())
  })

  test('a step that was not run has copied nothing: what went out is lost, what came back is there still', () => {
    const { scheduler, step, second } = crowded()
    scheduler.cancel(scheduler.plan(0, Infinity))
    scheduler.audit()
    expect(scheduler.sequence(second)).toMatchObject({ swappedTokens: 0, lostTokens: 8 })
    expect(scheduler.swap.usedBlocks).toBe(0)

    const other = crowded()
    for (let i = 0; i < 5; i++) other.step()
    const plan = other.scheduler.plan(0, Infinity)
    expect(plan.copies.inCount).toBe(2)
    other.scheduler.cancel(plan)
    other.scheduler.audit()
    expect(other.scheduler.sequence(other.second)).toMatchObject({ state: 'swapped', swappedTokens: 8 })
    expect(other.step()).toContain('s1:S:1@8 in')
    expect(step()).not.toBe('')
  })

  test('an aborted sequence leaves nothing in host memory', () => {
    const { scheduler, step, second } = crowded()
    step()
    expect(scheduler.abort(second)).toBe(true)
    scheduler.audit()
    expect(scheduler.swap.usedBlocks).toBe(0)
  })

  test('tokens in host memory are no prefill to come', () => {
    const { scheduler, step } = crowded()
    step()
    expect(scheduler.outstandingPrefillTokens).toBe(1)
  })
})

describe('a release', () => {
  test('says what to copy, and drops what would take too long', () => {
    const { scheduler, accept, step } = makeEngine({ blocks: 8, hostBlocks: 8 })
    const slots = [accept({ promptTokens: 8 }), accept({ promptTokens: 8 })]
    step()
    // Out takes half of 10 us a block out and in: one of the two finds time.
    const { victims, copies } = scheduler.releaseBundles(0, 8, { copyUsMax: 10 })
    scheduler.audit()
    expect(victims).toEqual(slots)
    expect(copies.outCount).toBe(2)
    expect(slots.map((slot) => scheduler.sequence(slot).swappedTokens)).toEqual([8, 0])
  })

  test('whose copy failed has its victims computed again, and no other sequence that got the slot', () => {
    const { scheduler, accept, step } = makeEngine({ blocks: 8, hostBlocks: 8 })
    const slot = accept({ promptTokens: 8 })
    step()
    scheduler.releaseBundles(0, 8)
    scheduler.loseSwapped(slot, 'somebody else')
    expect(scheduler.sequence(slot).state).toBe('swapped')
    scheduler.loseSwapped(slot, 's0')
    scheduler.audit()
    expect(scheduler.sequence(slot)).toMatchObject({ state: 'waiting', lostTokens: 8 })
    expect(step()).toBe('s0:P:9@0')
  })

  test('does not keep what the step on the device admitted: it may rest on KV that only this step computes', () => {
    const { scheduler, accept } = makeEngine({ blocks: 8, hostBlocks: 8, config: { prefixCaching: true } })
    const content = new SyntheticContent({ uniqueSeed: 7 })
    accept({ promptTokens: 8, content })
    const second = accept({ promptTokens: 12, content, priority: -1 })
    const plan = scheduler.plan(0, Infinity)
    expect(show(scheduler, plan)).toBe('s0:N:8@0 s1:N:4@8')
    const { victims, copies } = scheduler.releaseBundles(0, 6, { victimsBelow: 0 })
    expect([victims, copies.outCount]).toEqual([[second], 0])
    scheduler.cancel(plan)
    scheduler.audit()
    expect(scheduler.sequence(second).state).toBe('waiting')
  })
})
