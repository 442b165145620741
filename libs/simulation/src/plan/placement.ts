import { minimumTp, type PoolMemory, weightBytesPerRank } from '@kvasir/hardware'
import type { TpGroup } from './groups.js'
import { planned, type Planning, refused } from './planning.js'
import { type MemorySplit, type PlacedModel, PoolDraft, poolEngine } from './pool-draft.js'

/** A model with the number of its replicas, or the pools that somebody chose for it. */
export interface PlacementWish extends PlacedModel {
  /** Path in the scenario, for messages. */
  readonly path: string
  readonly replicas: number
  readonly pools: readonly string[] | undefined
  /** Seconds that a group would spend on its requests; undefined when `replicas` is what is wanted. */
  readonly demandS: number | undefined
}

export interface PlacementOptions {
  readonly groups: readonly TpGroup[]
  readonly memory: MemorySplit
  /** Whether groups of the same kind may be added when the weights need them. */
  readonly grow: boolean
}

export interface Placement {
  readonly pools: readonly PoolDraft[]
  readonly notes: readonly string[]
}

/**
 * Share of a pool's KV memory when it is empty that further replicas leave to KV: weights that crowd it out would
 * make engines slower, not faster.
 */
export const COMFORTABLE_KV_SHARE = 0.25

/**
 * Puts every model on pools: first those placed by hand, then one replica of each, the busiest first and of equals
 * the heaviest, then the other replicas in turn. Each goes where least load is, and of equal load where most memory
 * stays free; no pool serves a model twice. Models with a demand get further replicas while one replica bears more
 * than a pool's share of it.
 */
export function placeModels(
  wishes: readonly PlacementWish[],
  options: PlacementOptions,
): Planning<Placement> {
  const placer = new Placer(wishes, options)
  for (const wish of wishes) if (wish.pools !== undefined) placer.placeByHand(wish)
  const automatic = wishes
    .filter((wish) => wish.pools === undefined)
    .toSorted((a, b) => (b.demandS ?? 0) - (a.demandS ?? 0) || weightOf(b) - weightOf(a))
  const rounds = Math.max(0, ...automatic.map((wish) => wish.replicas))
  for (let replica = 0; replica < rounds; replica++) {
    for (const wish of automatic) if (replica < wish.replicas) placer.placeSomewhere(wish)
  }
  if (placer.problems.length === 0) placer.placeByDemand(automatic)
  return placer.problems.length > 0
    ? refused(...placer.problems)
    : planned({ pools: placer.pools, notes: placer.notes })
}

class Placer {
  readonly pools: PoolDraft[]
  readonly problems: string[] = []
  readonly notes: string[] = []
  readonly #options: PlacementOptions
  readonly #demands: ReadonlyMap<string, number>

  constructor(wishes: readonly PlacementWish[], options: PlacementOptions) {
    this.#options = options
    this.#demands = new Map(wishes.map(({ name, demandS }) => [name, demandS ?? 0]))
    this.pools = options.groups.map((group) => new PoolDraft(group, options.memory))
  }

  placeByHand(wish: PlacementWish): void {
    for (const [i, id] of (wish.pools ?? []).entries()) {
      const path = `${wish.path}.pools[${i}]`
      const pool = this.pools.find((candidate) => candidate.group.id === id)
      if (pool === undefined) {
        this.problems.push(
          `${path} is "${id}"; it must be one of ${this.pools.map(({ group }) => group.id).join(', ')}`,
        )
      } else if (pool.serves(wish.name)) {
        this.problems.push(`${path} is "${id}" again; a pool serves a model once`)
      } else if (pool.kvBytesWith([wish]) === undefined) {
        this.problems.push(`${path}: ${refusalOf(wish, [pool])}`)
      } else pool.place(wish)
    }
  }

  placeSomewhere(wish: PlacementWish): void {
    const pool = this.#comfortable(wish) ?? this.#added(wish) ?? this.#best(wish)
    if (pool !== undefined) return pool.place(wish)
    const free = this.pools.filter((candidate) => !candidate.serves(wish.name))
    if (free.length > 0) this.problems.push(`${wish.path}: ${refusalOf(wish, free)}`)
    else {
      this.problems.push(
        `${wish.path}.replicas is ${wish.replicas}; it must be at most ${this.pools.length}, the number of TP groups: a group serves a model once`,
      )
    }
  }

  placeByDemand(wishes: readonly PlacementWish[]): void {
    const total = wishes.reduce((sum, wish) => sum + (wish.demandS ?? 0), 0)
    const fairShare = total / this.pools.length
    const open = new Map(
      wishes.flatMap((wish) => (wish.demandS === undefined ? [] : [[wish, wish.demandS / wish.replicas]])),
    )
    for (;;) {
      let busiest: PlacementWish | undefined
      for (const [wish, load] of open)
        if (load > (busiest ? (open.get(busiest) ?? 0) : fairShare)) busiest = wish
      if (busiest?.demandS === undefined) return
      const pool = this.#comfortable(busiest)
      if (pool === undefined) open.delete(busiest)
      else {
        pool.place(busiest)
        open.set(busiest, busiest.demandS / this.#replicasOf(busiest.name))
      }
    }
  }

  #replicasOf(name: string): number {
    return this.pools.filter((pool) => pool.serves(name)).length
  }

  /** The best of the pools that keep enough memory for KV. */
  #comfortable(wish: PlacementWish): PoolDraft | undefined {
    return this.#best(wish, (pool, kvBytes) => kvBytes >= COMFORTABLE_KV_SHARE * pool.emptyKvBytes())
  }

  #best(
    wish: PlacementWish,
    accepts: (pool: PoolDraft, kvBytes: number) => boolean = () => true,
  ): PoolDraft | undefined {
    let best: { readonly pool: PoolDraft; readonly load: number; readonly kvBytes: number } | undefined
    for (const pool of this.pools) {
      const kvBytes = pool.serves(wish.name) ? undefined : pool.kvBytesWith([wish])
      if (kvBytes === undefined || !accepts(pool, kvBytes)) continue
      const load = this.#loadOf(pool)
      const better = best === undefined || load < best.load || (load === best.load && kvBytes > best.kvBytes)
      if (better) best = { pool, load, kvBytes }
    }
    return best?.pool
  }

  /** Demand that the pool's engines bear, each an equal part of its model's. */
  #loadOf(pool: PoolDraft): number {
    return pool.placed.reduce((sum, { name }) => {
      const demand = this.#demands.get(name) ?? 0
      return demand === 0 ? sum : sum + demand / this.#replicasOf(name)
    }, 0)
  }

  /** A further group like the first one, or of the degree that the model needs. */
  #added(wish: PlacementWish): PoolDraft | undefined {
    if (!this.#options.grow) return undefined
    const { gpu, tp, sharing } = this.#options.groups[0]
    const needed = minimumTp(gpu, poolEngine(wish))
    if (needed.kind === 'refused') return undefined
    const group = { id: this.#freeId(), gpu, tp: Math.max(tp, needed.tp), sharing }
    const pool = new PoolDraft(group, this.#options.memory)
    if (pool.kvBytesWith([wish]) === undefined) return undefined
    this.pools.push(pool)
    this.notes.push(
      `added TP-${group.tp} group ${group.id} of ${gpu.name}: the weights of ${wish.name} need it`,
    )
    return pool
  }

  #freeId(): string {
    for (let n = this.pools.length; ; n++) {
      if (!this.pools.some(({ group }) => group.id === `p${n}`)) return `p${n}`
    }
  }
}

function weightOf(wish: PlacementWish): number {
  return weightBytesPerRank(wish.model, 1)
}

/** Why a model fits on none of `pools`, with the numbers of each and the degree that would hold it. */
function refusalOf(wish: PlacementWish, pools: readonly PoolDraft[]): string {
  const reasons = pools.map((pool) => `${pool.group.id} (${poolReason(pool.memoryWith([wish]), pool)})`)
  const { gpu } = pools[0].group
  const needed = minimumTp(gpu, poolEngine(wish))
  const hint =
    needed.kind === 'fits'
      ? `alone it needs ${gpu.name} groups of tp ${needed.tp} or more; take a larger tp, more GPUs or fewer models`
      : `no TP group of a node of ${gpu.name} holds it; take a larger GPU or a smaller model`
  return `${wish.name} (${wish.model.name}) fits on none of ${reasons.join(', ')}; ${hint}`
}

function poolReason(memory: PoolMemory, pool: PoolDraft): string {
  if (memory.kind === 'fits') return 'would fit'
  if (memory.reason === 'heads_not_divisible')
    return `its ${memory.queryHeads} heads do not divide by tp ${memory.tp}`
  const total = gigabytes(memory.weightBytesPerRank)
  const usable = gigabytes(memory.usableBytesPerRank - memory.reserveBytesPerRank)
  const others = pool.placed.length === 0 ? '' : `, with ${pool.placed.map(({ name }) => name).join(' and ')}`
  return `${total} GB of weights on each GPU${others}, of ${usable} GB usable`
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1)
}
