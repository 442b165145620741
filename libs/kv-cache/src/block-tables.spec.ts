import { describe, expect, test } from 'vitest'
import { SyntheticContent, TokenContent } from './block-content.js'
import { BlockPool } from './block-pool.js'
import { BlockTables } from './block-tables.js'

function setUp(options: {
  blocks: number
  blockSize: number
  prefixCaching?: boolean
  blocksPerBundle?: number
}) {
  const { blocks, blockSize, prefixCaching = true, blocksPerBundle = 1 } = options
  const bundles = blocks / blocksPerBundle
  const pool = new BlockPool({
    blockSize,
    blocksPerBundle,
    bundleCapacity: bundles,
    placement: 'queue-order',
    prefixCaching,
  })
  pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
  const tables = new BlockTables(pool)
  tables.ensureSlots(8)
  return { pool, tables }
}

/** A sequence without hits begins to run. */
function enter(tables: BlockTables, slot: number, blocks: number): void {
  tables.admit(slot, { blocks: 0, revived: 0 })
  tables.append(slot, blocks)
}

const countUp = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('block tables', () => {
  test('a released sequence is forgotten from its end: clean blocks first, then cached ones, last to first', () => {
    const { pool, tables } = setUp({ blocks: 6, blockSize: 2 })
    enter(tables, 0, 5)
    tables.register(0, new TokenContent(countUp(8)), 3)
    tables.release(0)
    expect(Array.from(pool.freeOrder())).toEqual([4, 3, 5, 2, 1, 0])
  })

  test('without prefix caching the whole table queues last to first', () => {
    const { pool, tables } = setUp({ blocks: 4, blockSize: 2, prefixCaching: false })
    enter(tables, 0, 3)
    tables.release(0)
    expect(Array.from(pool.freeOrder())).toEqual([3, 2, 1, 0])
  })

  test('a lookup finds the longest cached prefix and says how much of it nobody uses', () => {
    const { pool, tables } = setUp({ blocks: 12, blockSize: 4 })
    const first = new TokenContent(countUp(16))
    enter(tables, 0, 4)
    tables.register(0, first, 4)
    const second = new TokenContent([...countUp(12), 99, 99, 99, 99])
    expect({ ...tables.findPrefix(1, second, 4) }).toEqual({ blocks: 3, revived: 0 })
    expect({ ...tables.findPrefix(1, second, 2) }).toEqual({ blocks: 2, revived: 0 })
    tables.release(0)
    const hit = tables.findPrefix(1, second, 4)
    expect({ ...hit }).toEqual({ blocks: 3, revived: 3 })
    expect(pool.freeBlocks).toBe(12)
    tables.admit(1, hit)
    expect([pool.freeBlocks, tables.registered(1), Array.from(tables.view(1))]).toEqual([9, 3, [0, 1, 2]])
  })

  test('registering block by block and all at once gives the same hashes', () => {
    const { tables } = setUp({ blocks: 40, blockSize: 2 })
    const content = new TokenContent(countUp(20))
    enter(tables, 0, 0)
    for (let block = 0; block < 10; block++) {
      tables.append(0, 1)
      tables.register(0, content, block + 1)
    }
    expect(tables.findPrefix(1, new TokenContent(countUp(20)), 10).blocks).toBe(10)
    tables.release(0)
    enter(tables, 2, 10)
    tables.register(2, new TokenContent(countUp(20).map((token) => token + 1)), 10)
    expect(tables.findPrefix(1, new TokenContent(countUp(20)), 10).blocks).toBe(10)
  })

  test('a slot that changes hands does not inherit hashes', () => {
    const { tables } = setUp({ blocks: 8, blockSize: 2 })
    enter(tables, 0, 2)
    tables.register(0, new TokenContent([1, 2, 3, 4]), 2)
    tables.release(0)
    tables.reset(0)
    expect(tables.findPrefix(0, new TokenContent([5, 6, 7, 8]), 2).blocks).toBe(0)
    tables.reset(0)
    expect(tables.findPrefix(0, new TokenContent([1, 2, 9, 9]), 2).blocks).toBe(1)
  })

  test('fragmentation counts unfilled slots, stranded blocks and idle bundles', () => {
    const { tables } = setUp({ blocks: 8, blockSize: 16, blocksPerBundle: 4 })
    expect(tables.fragmentation(0)).toMatchObject({ internal: 0, bundle: 0, bundlesInUse: 0 })
    enter(tables, 0, 3)
    expect(tables.fragmentation(40)).toEqual({
      heldSlots: 48,
      unusedSlots: 8,
      internal: 8 / 48,
      bundlesInUse: 1,
      strandedBlocks: 1,
      bundle: 1 / 4,
      idleBundles: 1,
      pool: 1 / 2,
    })
  })

  test.each([1, 256])('a million blocks and a million-token context work with block size %i', (blockSize) => {
    const { pool, tables } = setUp({ blocks: 1_000_000, blockSize, blocksPerBundle: 50 })
    const blocks = 1_000_000 / (blockSize === 1 ? 1 : 250)
    const content = new SyntheticContent({ uniqueSeed: 1 })
    enter(tables, 0, blocks)
    tables.register(0, content, blocks)
    expect(tables.length(0)).toBe(blocks)
    tables.release(0)
    expect(tables.findPrefix(1, content, blocks).blocks).toBe(blocks)
    expect([pool.freeBlocks, pool.cachedFreeBlocks]).toEqual([1_000_000, blocks])
  })
})
