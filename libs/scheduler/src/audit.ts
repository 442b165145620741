import { invariant } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'
import { SLOT_RUNNING, SLOT_WAITING } from './sequence-store.js'

/** Recounts everything that is kept incrementally. @throws {InvariantError} at the first law that does not hold. */
export function auditLifecycle(life: Lifecycle): void {
  const running = Array.from(life.running.subarray(0, life.runningCount))
  auditLists(life, running, life.waiting.toArray())
  for (const slot of running) auditSequence(life, slot)
  auditBlocks(life, running)
  auditSwap(life)
}

function auditLists(life: Lifecycle, running: readonly number[], waiting: readonly number[]): void {
  const { store, tables } = life
  const { sequenceLimit } = life.config
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
    tokens += store.tokens[slot] - life.swap.tokens(slot)
    blocks += life.blocksFor(store.tokens[slot])
  }
  invariant(tokens === life.waitingTokens, () => `${tokens} waiting tokens, ${life.waitingTokens} booked`)
  invariant(blocks === life.waitingBlocks, () => `${blocks} waiting blocks, ${life.waitingBlocks} booked`)
  const prompts = running.filter((slot) => life.isPrompt(slot)).length
  invariant(prompts === life.promptCount, () => `${prompts} prompts run, ${life.promptCount} booked`)
}

/** In host memory lies KV of sequences that wait, and of those that the step in flight brings back; never all of one's tokens. */
function auditSwap({ store, swap, blockSize }: Lifecycle): void {
  swap.audit(blockSize)
  for (let slot = 0; slot < store.capacity; slot++) {
    const swapped = swap.tokens(slot)
    if (swapped === 0) continue
    const state = store.state[slot]
    invariant(
      state === SLOT_WAITING || (state === SLOT_RUNNING && swapped > store.found[slot]),
      () => `slot ${slot} in state ${state} has ${swapped} tokens in host memory`,
    )
    invariant(
      swapped < store.tokens[slot],
      () => `slot ${slot}: ${swapped} of ${store.tokens[slot]} tokens swapped`,
    )
  }
}

function auditSequence({ store, tables, pool, config }: Lifecycle, slot: number): void {
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
  const full = config.prefixCaching ? Math.floor(computed / pool.blockSize) : 0
  invariant(
    tables.registered(slot) === full,
    () => `slot ${slot}: ${tables.registered(slot)} blocks registered, ${full} full`,
  )
}

function auditBlocks(life: Lifecycle, running: readonly number[]): void {
  const { store, tables, pool, storedTokens } = life
  const references = new Map<number, number>()
  const places = new Map<number, number>()
  let stored = 0
  for (const slot of running) {
    stored += store.computed[slot]
    const table = tables.view(slot)
    for (let i = 0; i < table.length; i++) {
      const block = table[i]
      references.set(block, (references.get(block) ?? 0) + 1)
      // Blocks of a common prefix stand at the same place for all, and only the first to fill one may still write to it.
      const place = places.get(block)
      invariant(
        place === undefined || (place === i && i < tables.registered(slot)),
        () => `block ${block} is number ${place} of one sequence and number ${i} of slot ${slot}`,
      )
      places.set(block, i)
    }
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
        free.has(block) === (counted === 0),
        () => `block ${block}: ${counted} holders, free ${free.has(block)}`,
      )
      invariant(
        life.config.prefixCaching || !pool.isRegistered(block),
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
