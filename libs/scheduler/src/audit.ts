import { invariant } from '@kvasir/kernel'
import type { BlockPool, BlockTables } from '@kvasir/kv-cache'
import { SLOT_RUNNING, SLOT_WAITING, type SequenceStore } from './sequence-store.js'

export interface Audited {
  readonly store: SequenceStore
  readonly tables: BlockTables
  readonly pool: BlockPool
  readonly running: readonly number[]
  readonly waiting: readonly number[]
  readonly waitingTokens: number
  readonly waitingBlocks: number
  readonly storedTokens: number
  readonly prefixCaching: boolean
  readonly sequenceLimit: number
}

/** Recounts everything that is kept incrementally. @throws {InvariantError} at the first law that does not hold. */
export function auditScheduler(audited: Audited): void {
  auditLists(audited)
  for (const slot of audited.running) auditSequence(audited, slot)
  auditBlocks(audited)
}

function auditLists(audited: Audited): void {
  const { store, tables, pool, running, waiting, sequenceLimit } = audited
  const listed = running.concat(waiting)
  invariant(new Set(listed).size === listed.length, () => 'a slot runs or waits twice')
  invariant(running.length <= sequenceLimit, () => `${running.length} running, limit ${sequenceLimit}`)
  let live = 0
  for (let slot = 0; slot < store.capacity; slot++) {
    if (store.state[slot] === SLOT_RUNNING || store.state[slot] === SLOT_WAITING) live++
    else
      invariant(
        tables.length(slot) === 0,
        () => `slot ${slot} is over and holds ${tables.length(slot)} blocks`,
      )
  }
  invariant(live === listed.length, () => `${live} live slots, ${listed.length} listed`)
  let tokens = 0
  let blocks = 0
  for (const slot of waiting) {
    invariant(store.state[slot] === SLOT_WAITING, () => `slot ${slot} waits in state ${store.state[slot]}`)
    invariant(
      tables.length(slot) === 0 && store.computed[slot] === 0,
      () => `waiting slot ${slot} holds ${tables.length(slot)} blocks, ${store.computed[slot]} tokens`,
    )
    tokens += store.tokens[slot]
    blocks += Math.ceil(store.tokens[slot] / pool.blockSize)
  }
  invariant(
    tokens === audited.waitingTokens,
    () => `${tokens} waiting tokens, ${audited.waitingTokens} booked`,
  )
  invariant(
    blocks === audited.waitingBlocks,
    () => `${blocks} waiting blocks, ${audited.waitingBlocks} booked`,
  )
}

function auditSequence({ store, tables, pool, prefixCaching }: Audited, slot: number): void {
  const tokens = store.tokens[slot]
  const computed = store.computed[slot]
  const blocks = tables.length(slot)
  invariant(store.state[slot] === SLOT_RUNNING, () => `slot ${slot} runs in state ${store.state[slot]}`)
  invariant(
    computed >= 0 && computed <= tokens,
    () => `slot ${slot}: ${computed} of ${tokens} tokens computed`,
  )
  invariant(
    tokens < store.tokenLimit[slot],
    () => `slot ${slot}: ${tokens} tokens, limit ${store.tokenLimit[slot]}`,
  )
  invariant(
    blocks === Math.ceil(computed / pool.blockSize),
    () => `slot ${slot}: ${blocks} blocks of ${pool.blockSize} for ${computed} tokens`,
  )
  const full = prefixCaching ? Math.floor(computed / pool.blockSize) : 0
  invariant(
    tables.registered(slot) === full,
    () => `slot ${slot}: ${tables.registered(slot)} blocks registered, ${full} full`,
  )
}

function auditBlocks({ store, tables, pool, running, storedTokens, prefixCaching }: Audited): void {
  const references = new Map<number, number>()
  let stored = 0
  for (const slot of running) {
    stored += store.computed[slot]
    for (const block of tables.view(slot)) references.set(block, (references.get(block) ?? 0) + 1)
  }
  invariant(stored === storedTokens, () => `${stored} tokens stored, ${storedTokens} booked`)
  const free = new Set(pool.freeOrder())
  invariant(
    free.size === pool.freeBlocks,
    () => `${free.size} distinct free blocks, ${pool.freeBlocks} counted`,
  )
  let cachedFree = 0
  let freeBundles = 0
  for (const bundle of pool.mappedIds()) {
    let used = 0
    for (let i = 0; i < pool.blocksPerBundle; i++) {
      const block = bundle * pool.blocksPerBundle + i
      const counted = references.get(block) ?? 0
      invariant(
        pool.references(block) === counted,
        () => `block ${block}: ${pool.references(block)} references, ${counted} holders`,
      )
      invariant(
        counted <= 1 || pool.isRegistered(block),
        () => `block ${block} has ${counted} holders and is not in the prefix cache`,
      )
      invariant(
        free.has(block) === (counted === 0),
        () => `block ${block}: ${counted} holders, free ${free.has(block)}`,
      )
      invariant(
        prefixCaching || !pool.isRegistered(block),
        () => `block ${block} cached without prefix caching`,
      )
      if (counted > 0) used++
      else if (pool.isRegistered(block)) cachedFree++
      references.delete(block)
    }
    invariant(
      used === pool.usedInBundle(bundle),
      () => `bundle ${bundle}: ${used} used, ${pool.usedInBundle(bundle)} booked`,
    )
    if (used === 0) freeBundles++
  }
  invariant(references.size === 0, () => `${references.size} blocks held outside the mapped bundles`)
  invariant(
    cachedFree === pool.cachedFreeBlocks,
    () => `${cachedFree} cached free blocks, ${pool.cachedFreeBlocks} booked`,
  )
  invariant(freeBundles === pool.freeBundles, () => `${freeBundles} free bundles, ${pool.freeBundles} booked`)
}
