import { BlockPool, type Placement, SyntheticContent } from '@kvasir/kv-cache'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { defaultSchedulerConfig } from './config.js'
import { Scheduler } from './scheduler.js'

const MILLION = 2 ** 20

interface Shape {
  readonly blockSize: number
  readonly blocks: number
  readonly blocksPerBundle?: number
  readonly placement?: Placement
  readonly prefixCaching?: boolean
}

function poolOf({
  blockSize,
  blocks,
  blocksPerBundle = 1,
  placement,
  prefixCaching = true,
}: Shape): BlockPool {
  const bundles = Math.ceil(blocks / blocksPerBundle)
  const pool = new BlockPool({
    blockSize,
    blocksPerBundle,
    bundleCapacity: bundles,
    placement: placement ?? 'queue-order',
    prefixCaching,
  })
  pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
  return pool
}

/** Counts how many blocks it is asked to hash. */
class CountedContent extends SyntheticContent {
  folds = 0

  override fold(...of: Parameters<SyntheticContent['fold']>): void {
    this.folds++
    super.fold(...of)
  }
}

function engineOf(shape: Shape) {
  const pool = poolOf(shape)
  const config = {
    ...defaultSchedulerConfig,
    contextLimit: MILLION,
    prefixCaching: shape.prefixCaching ?? true,
  }
  const scheduler = new Scheduler(config, pool)
  let submitted = 0
  const submit = (promptTokens: number, maxOutputTokens: number) => {
    const content = new CountedContent({ uniqueSeed: submitted })
    const id = `s${submitted}`
    scheduler.submit(0, {
      id,
      promptTokens,
      maxOutputTokens,
      priority: 0,
      arrivalUs: submitted++,
      content,
    })
    return content
  }
  const run = (steps: number) => {
    for (let step = 0; step < steps; step++) scheduler.complete(step, scheduler.plan(step, Infinity))
  }
  return { pool, scheduler, submit, run }
}

/** Operations on single blocks while something runs: the real ones, counted. */
function blockOperations(run: () => void) {
  const names = ['take', 'reference', 'release', 'register', 'unregister', 'find'] as const
  const spies = names.map((name) => vi.spyOn(BlockPool.prototype, name))
  const several = vi.spyOn(BlockPool.prototype, 'takeAll')
  run()
  const counts = spies.map((spy) => spy.mock.calls.length)
  counts[0] += several.mock.calls.reduce((sum, [count]) => sum + count, 0)
  vi.restoreAllMocks()
  return Object.fromEntries(names.map((name, i) => [name, counts[i]]))
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('memory of a pool of 1,048,576 blocks', () => {
  test('is the same for blocks of 1, 16 and 256 tokens', () => {
    const bytes = [1, 16, 256].map((blockSize) => poolOf({ blockSize, blocks: MILLION }).bytes)
    expect(new Set(bytes).size).toBe(1)
  })

  test('is 28 bytes a block, with prefix caching 60, where every block is a bundle', () => {
    expect(poolOf({ blockSize: 16, blocks: MILLION, prefixCaching: false }).bytes / MILLION).toBeLessThan(
      28.01,
    )
    expect(poolOf({ blockSize: 16, blocks: MILLION }).bytes / MILLION).toBeLessThan(60.01)
  })

  test('is 24 bytes a block in bundles of 8 that are filled one after the other, with prefix caching 56', () => {
    const shape = { blockSize: 16, blocks: MILLION, blocksPerBundle: 8, placement: 'fullest-bundle' } as const
    expect(poolOf({ ...shape, prefixCaching: false }).bytes / MILLION).toBeLessThan(24.01)
    expect(poolOf(shape).bytes / MILLION).toBeLessThan(56.01)
  })

  test('follows the bundles that are mapped, not those there could be', () => {
    const pool = new BlockPool({
      blockSize: 16,
      blocksPerBundle: 1,
      bundleCapacity: MILLION,
      placement: 'queue-order',
      prefixCaching: true,
    })
    expect(pool.bytes).toBeLessThan(100)
    pool.mapBundles(Array.from({ length: 1_000 }, (_, i) => i))
    expect(pool.bytes / 1_000).toBeLessThan(100)
  })
})

test.each([1, 2, 3, 7, 16, 100, 255, 256])(
  'blocks of %i tokens: every sequence takes the blocks of what it computes, registers the full ones and frees all',
  (blockSize) => {
    const { pool, scheduler, submit, run } = engineOf({ blockSize, blocks: 4_000 })
    const lengths = [1, blockSize, blockSize + 1, 300, 511, 512]
    const outputs = 40
    const counts = blockOperations(() => {
      for (const length of lengths) submit(length, outputs)
      while (scheduler.unfinishedCount > 0) {
        run(1)
        scheduler.audit()
      }
    })
    // The last token is never computed.
    const computed = lengths.map((length) => length + outputs - 1)
    const blocks = computed.reduce((sum, tokens) => sum + Math.ceil(tokens / blockSize), 0)
    const full = computed.reduce((sum, tokens) => sum + Math.floor(tokens / blockSize), 0)
    expect(counts).toMatchObject({ take: blocks, release: blocks, register: full, unregister: 0 })
    expect(pool.usedBlocks).toBe(0)
  },
)

test('a decode step does the same in a pool of 1,048,576 blocks as in one of 4,096', () => {
  const [small, large] = [4_096, MILLION].map((blocks) => {
    const { submit, run } = engineOf({ blockSize: 16, blocks })
    for (let i = 0; i < 64; i++) submit(100 + (i % 32), 400)
    run(20)
    return blockOperations(() => run(160))
  })
  expect(large).toEqual(small)
  // Each of the 64 sequences takes and registers a block every 16 steps.
  expect(small).toEqual({ take: 640, reference: 0, release: 0, register: 640, unregister: 0, find: 0 })
})

test('a context of 1,000,000 tokens takes, hashes and frees each block once, and a decode step at most one', () => {
  const { pool, scheduler, submit, run } = engineOf({ blockSize: 16, blocks: 62_600 })
  const content = submit(1_000_000, 1_000)
  const chunks = Math.ceil(1_000_000 / defaultSchedulerConfig.stepTokenLimit)
  expect(blockOperations(() => run(chunks))).toMatchObject({ take: 62_500, register: 62_500, find: 1 })
  // One block was hashed for the lookup that found nothing, and again when it was registered.
  expect(content.folds).toBe(62_501)
  expect(blockOperations(() => run(160))).toMatchObject({ take: 10, register: 10, find: 0 })
  const stop = blockOperations(() => scheduler.releaseBundles(0, pool.bundles))
  expect(stop).toMatchObject({ take: 0, release: 62_510, unregister: 0 })
  // It finds all but its last block again, looks each up once, and takes one.
  const resume = blockOperations(() => run(1))
  expect(resume).toMatchObject({ take: 1, reference: 62_510, find: 62_510 })
})
