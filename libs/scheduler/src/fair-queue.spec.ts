import { SeededRng } from '@kvasir/kernel'
import { SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { FairQueue } from './fair-queue.js'
import type { SequenceInput } from './sequence-input.js'
import { SequenceStore } from './sequence-store.js'
import { inputUnits, outputUnits } from './tenant-accounts.js'
import { QueueUnderTest } from './testing/queue-under-test.js'

describe('fair order', () => {
  test('tenants get service in proportion to their weights, however much one submits', () => {
    const queue = new QueueUnderTest({ order: 'fair' })
    for (let i = 0; i < 400; i++) queue.submit(`greedy${i}`, { tenant: 'greedy' })
    for (let i = 0; i < 300; i++) queue.submit(`double${i}`, { tenant: 'double', weight: 2 })
    const served = { greedy: 0, double: 0 }
    for (let i = 0; i < 300; i++) served[queue.step()[0].startsWith('greedy') ? 'greedy' : 'double']++
    // Every request costs its tenant the same, so the bound of one request each shows directly.
    expect(Math.abs(served.double - 200)).toBeLessThanOrEqual(2)
    expect(served.greedy + served.double).toBe(300)
  })

  test('a tenant that was away returns without banked credit', () => {
    const queue = new QueueUnderTest({ order: 'fair' })
    for (let i = 0; i < 200; i++) queue.submit(`busy${i}`, { tenant: 'busy' })
    queue.submit('guest', { tenant: 'guest' })
    for (let i = 0; i < 100; i++) queue.step()
    for (let i = 0; i < 50; i++) queue.submit(`back${i}`, { tenant: 'guest' })
    const served = { busy: 0, guest: 0 }
    for (let i = 0; i < 40; i++) served[queue.step()[0].startsWith('busy') ? 'busy' : 'guest']++
    expect(Math.abs(served.busy - served.guest)).toBeLessThanOrEqual(2)
  })

  test('computing again what a preemption threw away is not charged', () => {
    const queue = new QueueUnderTest({ order: 'fair' })
    queue.submit('a', { tenant: 'a', maxOutputTokens: 10 })
    queue.submit('b', { tenant: 'b', maxOutputTokens: 10 })
    queue.step()
    queue.scheduler.releaseBundles(0, 4_096)
    // a paid 10 for its prompt and 2 for a token; b has paid nothing.
    expect(queue.step()).toEqual(['b'])
    queue.scheduler.releaseBundles(0, 4_096)
    expect(queue.step()).toEqual(['a'])
    queue.scheduler.releaseBundles(0, 4_096)
    // Had the second computation of a's prompt been charged, a would be at 26 now and lose for long.
    expect(queue.step()).toEqual(['b'])
  })

  test('the part of a prompt that was never computed is given back when its sequence ends', () => {
    const queue = new QueueUnderTest({ order: 'fair', stepTokenLimit: 100 })
    queue.submit('huge', { tenant: 'a', promptTokens: 1_000 })
    queue.step()
    queue.submit('b1', { tenant: 'b', promptTokens: 200 })
    queue.submit('a1', { tenant: 'a' })
    // Both were lifted to the 1,000 that tenant a was charged; it has had 100 of them.
    queue.scheduler.abort(queue.slotOf('huge'))
    expect(queue.drain()).toEqual(['a1', 'b1', 'b1'])
  })

  test('within a tenant what was preempted goes before what arrived later, however they were stopped', () => {
    const queue = new QueueUnderTest({ order: 'fair', sequenceLimit: 3 })
    for (let i = 0; i < 4; i++) queue.submit(`s${i}`, { arrivalUs: i, maxOutputTokens: 5 })
    queue.step()
    queue.scheduler.releaseBundles(0, 4_096)
    expect(queue.waitingIds()).toEqual(['s0', 's1', 's2', 's3'])
  })
})

/** Tenants that always have something waiting, several sequences of theirs at a time, in an order of choice. */
class Backlog {
  readonly queue: QueueUnderTest
  readonly weights: readonly number[]
  /** Service in units per weight, as received. */
  readonly served: number[]
  readonly #rng: SeededRng
  readonly #limits: { readonly promptTokens: number; readonly outputTokens: number }
  readonly #waiting: number[]
  readonly #tenantOf = new Map<string, number>()
  readonly #counted = new Map<string, number>()
  #submitted = 0

  constructor(seed: number, order: 'fair' | 'fcfs') {
    const rng = new SeededRng(seed, 'backlog')
    this.#rng = rng
    this.weights = Array.from({ length: 2 + rng.int(3) }, () => 1 + rng.int(4))
    this.served = this.weights.map(() => 0)
    this.#waiting = this.weights.map(() => 0)
    this.#limits = { promptTokens: 1 + rng.int(60), outputTokens: 1 + rng.int(30) }
    this.queue = new QueueUnderTest({
      order,
      sequenceLimit: 1 + rng.int(6),
      stepTokenLimit: 20 + rng.int(200),
    })
  }

  /** 2U of the theorem, for any two of the tenants. */
  get bound(): number {
    const { promptTokens, outputTokens } = this.#limits
    const batchTokens = this.queue.scheduler.config.sequenceLimit * (promptTokens + outputTokens)
    return (2 * outputUnits * batchTokens) / Math.min(...this.weights)
  }

  step(): void {
    this.weights.forEach((_, tenant) => {
      // The first asks for much more than the others, which must not help it.
      while (this.#waiting[tenant] < (tenant === 0 ? 60 : 10)) this.#submit(tenant)
    })
    for (const id of new Set(this.queue.step())) this.#count(id)
  }

  #submit(tenant: number): void {
    const id = `s${this.#submitted++}`
    this.#tenantOf.set(id, tenant)
    this.#waiting[tenant]++
    this.queue.submit(id, {
      tenant: `t${tenant}`,
      weight: this.weights[tenant],
      promptTokens: 1 + this.#rng.int(this.#limits.promptTokens),
      maxOutputTokens: 1 + this.#rng.int(this.#limits.outputTokens),
    })
  }

  /** Tokens computed of the prompt and put out so far, from outside: a prompt counts when it is admitted, as in the paper. */
  #count(id: string): void {
    const tenant = this.#tenantOf.get(id) as number
    if (!this.#counted.has(id)) {
      this.#counted.set(id, 0)
      this.#waiting[tenant]--
      const view = this.queue.scheduler.sequence(this.queue.lastSlotOf(id))
      this.served[tenant] += (inputUnits * view.promptTokens) / this.weights[tenant]
    }
    const outputs = this.queue.outputs.get(id) ?? 0
    const more = outputs - (this.#counted.get(id) as number)
    this.#counted.set(id, outputs)
    this.served[tenant] += (outputUnits * more) / this.weights[tenant]
  }
}

/** Most by which the service of two tenants differs between any two moments, over the bound. */
function worstGap(seed: number, order: 'fair' | 'fcfs'): number {
  const backlog = new Backlog(seed, order)
  const least = backlog.weights.map(() => backlog.weights.map(() => 0))
  const most = backlog.weights.map(() => backlog.weights.map(() => 0))
  let worst = 0
  for (let step = 0; step < 1_500; step++) {
    backlog.step()
    backlog.served.forEach((served, f) => {
      backlog.served.forEach((other, g) => {
        least[f][g] = Math.min(least[f][g], served - other)
        most[f][g] = Math.max(most[f][g], served - other)
        worst = Math.max(worst, most[f][g] - least[f][g])
      })
    })
  }
  return worst / backlog.bound
}

describe('the theorem of virtual token counters', () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i + 1)

  test.each(seeds)('two backlogged tenants never get further apart than its bound (seed %i)', (seed) => {
    expect(worstGap(seed, 'fair')).toBeLessThanOrEqual(1)
  })

  test('first come, first served gets any distance apart: the bound is not empty', () => {
    expect(Math.max(...seeds.map((seed) => worstGap(seed, 'fcfs')))).toBeGreaterThan(3)
  })
})

/** The queue as the paper states it, over arrays: what FairQueue must agree with. */
class PlainCounters {
  readonly counters = new Map<string, number>()
  readonly waiting: number[] = []
  last: string | undefined
  readonly #input: (slot: number) => SequenceInput

  constructor(input: (slot: number) => SequenceInput) {
    this.#input = input
  }

  tenant(slot: number): string {
    return this.#input(slot).tenant ?? ''
  }

  counter(tenant: string): number {
    return this.counters.get(tenant) ?? 0
  }

  head(): number {
    let least = this.waiting[0] ?? -1
    for (const slot of this.waiting) if (this.#goesBefore(slot, least)) least = slot
    return least
  }

  #goesBefore(a: number, b: number): boolean {
    const difference = this.counter(this.tenant(a)) - this.counter(this.tenant(b))
    return difference !== 0 ? difference < 0 : this.#input(a).arrivalUs < this.#input(b).arrivalUs
  }

  push(slot: number): void {
    const tenant = this.tenant(slot)
    const others = this.waiting.map((other) => this.tenant(other))
    if (!others.includes(tenant)) {
      const floor = others.length > 0 ? Math.min(...others.map((name) => this.counter(name))) : undefined
      const lift = floor ?? (this.last === undefined ? 0 : this.counter(this.last))
      this.counters.set(tenant, Math.max(this.counter(tenant), lift))
    }
    this.waiting.push(slot)
  }

  remove(slot: number): void {
    this.waiting.splice(this.waiting.indexOf(slot), 1)
    const tenant = this.tenant(slot)
    if (!this.waiting.some((other) => this.tenant(other) === tenant)) this.last = tenant
  }

  charge(slot: number, units: number): void {
    const tenant = this.tenant(slot)
    this.counters.set(tenant, this.counter(tenant) + units / (this.#input(slot).weight ?? 1))
  }
}

function makeFairQueue() {
  const store = new SequenceStore()
  const counted = { comparisons: 0 }
  const queue = new FairQueue(store, (a, b) => {
    counted.comparisons++
    return store.arrivalUs[a] < store.arrivalUs[b]
  })
  let submitted = 0
  const add = (input: Partial<SequenceInput>) => {
    const arrivalUs = submitted++
    const content = new SyntheticContent({ uniqueSeed: arrivalUs })
    const base = {
      id: `s${arrivalUs}`,
      promptTokens: 10,
      maxOutputTokens: 10,
      priority: 0,
      arrivalUs,
      content,
    }
    const slot = store.add({ ...base, ...input }, 1_000)
    queue.push(slot)
    return slot
  }
  return { store, queue, add, counted }
}

describe('FairQueue', () => {
  test.each([1, 2, 3, 4])(
    'chooses as the plain algorithm does, whatever happens in between (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'fair-queue')
      const { store, queue, add } = makeFairQueue()
      const plain = new PlainCounters((slot) => store.input(slot))
      const running: number[] = []
      const tenants = 1 + rng.int(12)
      for (let i = 0; i < 1_000; i++) {
        const action = rng.int(8)
        if (action < 3) {
          // Powers of two, so that both sums are exact.
          plain.push(
            add({ tenant: `t${rng.int(tenants)}`, weight: 2 ** rng.int(3), promptTokens: 1 + rng.int(50) }),
          )
        } else if (action < 5 && queue.size > 0) {
          const slot = queue.head()
          const tokens = store.promptTokens[slot]
          queue.remove(slot)
          plain.remove(slot)
          queue.admitted(slot, tokens)
          if (store.preemptions[slot] === 0) plain.charge(slot, inputUnits * tokens)
          running.push(slot)
        } else if (action === 5 && running.length > 0) {
          queue.emitted(Int32Array.from(running), running.length)
          for (const slot of running) {
            store.tokens[slot]++
            plain.charge(slot, outputUnits)
          }
        } else if (action === 6 && running.length > 0) {
          const [slot] = running.splice(rng.int(running.length), 1)
          store.preemptions[slot]++
          store.lost[slot] = store.promptTokens[slot]
          queue.pushBack(slot)
          plain.waiting.push(slot)
        } else if (action === 7 && running.length > 0) {
          const [slot] = running.splice(rng.int(running.length), 1)
          store.computed[slot] = store.promptTokens[slot]
          queue.ended(slot)
          store.end(slot)
          store.recycle()
        }
        expect([queue.size, queue.head()]).toEqual([plain.waiting.length, plain.head()])
        expect(queue.toArray()[0] ?? -1).toBe(plain.head())
      }
      for (const [tenant, counter] of plain.counters) expect(queue.counter(tenant)).toBe(counter)
    },
  )

  test('ten thousand waiting tenants cost an admission a few comparisons, not a look at each', () => {
    const { store, queue, add, counted } = makeFairQueue()
    for (let i = 0; i < 20_000; i++) add({ tenant: `t${i % 10_000}` })
    const served = new Map<number, number>()
    let most = 0
    for (let i = 0; i < 15_000; i++) {
      counted.comparisons = 0
      const slot = queue.head()
      queue.remove(slot)
      queue.admitted(slot, 10)
      queue.ended(slot)
      store.end(slot)
      queue.emitted(Int32Array.of(slot), 1)
      served.set(slot % 10_000, (served.get(slot % 10_000) ?? 0) + 1)
      queue.head()
      most = Math.max(most, counted.comparisons)
    }
    // A heap of 10,000 is 14 levels deep, two comparisons each, and a tenant moves three times at most.
    expect(most).toBeLessThan(3 * 2 * 14 + 10)
    expect([served.size, Math.max(...served.values())]).toEqual([10_000, 2])
  })

  test('tenants that have gone are forgotten once that changes nothing for them', () => {
    const { store, queue, add } = makeFairQueue()
    const busy = add({ tenant: 'busy' })
    queue.remove(busy)
    queue.admitted(busy, 1_000)
    for (let i = 0; i < 10_000; i++) {
      const slot = add({ tenant: `passing${i}` })
      queue.remove(slot)
      queue.ended(slot)
      store.end(slot)
      store.recycle()
      queue.emitted(Int32Array.of(busy), 1)
    }
    expect(queue.tenants).toBeLessThan(2_100)
    expect(queue.counter('busy')).toBe(1_000 + 20_000)
  })
})
