import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import type { OrderPolicy } from './order-policies.js'
import type { SequenceInput } from './sequence-input.js'
import type { SequenceView } from './sequence-view.js'
import { QueueUnderTest, slowOutputs } from './testing/queue-under-test.js'

type AgingOrder = Exclude<OrderPolicy, 'fcfs' | 'fair' | 'edf'>

const orders: readonly AgingOrder[] = ['priority', 'weighted-fifo', 'srpt', 'wsrpt']
const ways = orders.flatMap((order) => [false, true].map((preemptive) => ({ order, preemptive })))

/** The keys, reckoned from outside: with predictor `max-tokens` and nothing in host memory. */
const keyOf: { readonly [order in AgingOrder]: (view: SequenceView) => number } = {
  priority: ({ priority }) => -priority,
  'weighted-fifo': ({ input }) => -(input.weight ?? 1),
  srpt: remaining,
  wsrpt: (view) => remaining(view) / (view.input.weight ?? 1),
}

function remaining({ promptTokens, outputTokens, computed, input }: SequenceView): number {
  return promptTokens + outputTokens - computed + 10 * Math.max(1, input.maxOutputTokens - outputTokens)
}

/** Units of the key that a microsecond makes up for, such that bounds are some hundred microseconds. */
const agingPerUs: { readonly [order in AgingOrder]: number } = {
  priority: 0.01,
  'weighted-fifo': 0.01,
  srpt: 0.5,
  wsrpt: 0.5,
}

interface Known {
  readonly view: SequenceView
  readonly key: number
}

/** Plans steps, and checks at each of them who passed whom. */
class WatchedQueue extends QueueUnderTest {
  readonly order: AgingOrder
  passes = 0

  constructor(order: AgingOrder, preemptive: boolean) {
    super({ order, preemptive, agingPerUs: agingPerUs[order] })
    this.order = order
  }

  override step(): string[] {
    const waited = this.#known(this.scheduler.waitingSlots())
    const ran = this.#known(this.scheduler.runningSlots())
    const ids = super.step()
    const waits = new Set(this.waitingIds())
    const admitted = [...waited].filter(([id]) => ids.includes(id)).map(([, known]) => known)
    const passed = [...waited, ...ran].filter(([id]) => waits.has(id)).map(([, known]) => known)
    for (const one of admitted) for (const other of passed) this.#checkPass(one, other)
    return ids
  }

  #known(slots: readonly number[]): Map<string, Known> {
    const views = slots.map((slot) => this.scheduler.sequence(slot))
    return new Map(views.map((view) => [view.id, { view, key: keyOf[this.order](view) }]))
  }

  /** The law as `order-policies.ts` states it. */
  #checkPass(one: Known, other: Known): void {
    if (one.view.arrivalUs > other.view.arrivalUs) this.passes++
    const latestUs = other.view.arrivalUs + (other.key - one.key) / agingPerUs[this.order]
    expect(one.view.arrivalUs, `${one.view.id} passes ${other.view.id}`).toBeLessThanOrEqual(latestUs + 1e-6)
  }
}

describe('aging', () => {
  test('a sequence is passed only by those that arrived within its bound', () => {
    const queue = new QueueUnderTest({ order: 'priority', agingPerUs: 0.001 })
    queue.submit('low', { priority: 0, arrivalUs: 0 })
    // 0.001 levels a microsecond: two levels are worth 2,000 us of waiting.
    queue.submit('within', { priority: 2, arrivalUs: 1_999 })
    queue.submit('beyond', { priority: 2, arrivalUs: 2_001 })
    expect(queue.drain()).toEqual(['within', 'low', 'beyond'])
  })

  const seeds = [1, 2, 3]
  test.each(ways.flatMap((way) => seeds.map((seed) => ({ ...way, seed }))))(
    'order $order, preemptive $preemptive: nothing passes or displaces what it arrived too late for (seed $seed)',
    ({ order, preemptive, seed }) => {
      const rng = new SeededRng(seed, 'aging')
      const queue = new WatchedQueue(order, preemptive)
      for (let i = 0; i < 150; i++) {
        queue.submit(`s${i}`, {
          promptTokens: 1 + rng.int(200),
          maxOutputTokens: 1 + rng.int(12),
          priority: rng.int(5),
          weight: 1 + rng.int(4),
        })
        for (let steps = rng.int(8); steps > 0; steps--) queue.step()
      }
      queue.drain()
      expect(queue.passes).toBeGreaterThan(10)
    },
  )
})

/** One sequence that everything which comes later is preferred to, and a stream of that, more than the engine can serve. */
const victim: Partial<SequenceInput> = { promptTokens: 300, maxOutputTokens: 10, priority: 0, weight: 1 }
const rival: Partial<SequenceInput> = { promptTokens: 10, maxOutputTokens: 2, priority: 4, weight: 5 }
const RIVAL_EVERY_US = 15
const RIVAL_SERVICE_US = slowOutputs.recomputeUs(10) + 10

/** Feeds rivals for a long time, and answers when the victim began to run and when they stopped coming. */
function underSiege(config: ConstructorParameters<typeof QueueUnderTest>[0]) {
  const queue = new QueueUnderTest(config)
  const endUs = 8_000
  let rivals = 0
  let begunUs = Infinity
  queue.submit('rival-first', { ...rival, arrivalUs: 0 })
  queue.step()
  queue.submit('victim', { ...victim, arrivalUs: 0 })
  while (queue.scheduler.unfinishedCount > 0) {
    for (; rivals * RIVAL_EVERY_US <= Math.min(queue.now, endUs); rivals++) {
      queue.submit(`rival${rivals}`, { ...rival, arrivalUs: rivals * RIVAL_EVERY_US })
    }
    const beforeUs = queue.now
    if (queue.step().includes('victim')) begunUs = Math.min(begunUs, beforeUs)
  }
  return { begunUs, endUs }
}

describe('a sequence that everything else is preferred to', () => {
  test.each(ways)(
    'starves in order $order, preemptive $preemptive, without aging',
    ({ order, preemptive }) => {
      const { begunUs, endUs } = underSiege({ order, preemptive })
      expect(begunUs).toBeGreaterThan(endUs)
    },
  )

  test.each(ways)(
    'runs within the bound in order $order, preemptive $preemptive',
    ({ order, preemptive }) => {
      const { begunUs } = underSiege({ order, preemptive, agingPerUs: agingPerUs[order] })
      const lead: { readonly [order in AgingOrder]: number } = {
        priority: 4,
        'weighted-fifo': 4,
        srpt: 300 + 100 - (10 + 20),
        wsrpt: 300 + 100 - (10 + 20) / 5,
      }
      // Until nothing that comes can pass it any more, and then the service of what had come until then.
      const safeUs = lead[order] / agingPerUs[order]
      const aheadUs = (Math.floor(safeUs / RIVAL_EVERY_US) + 2) * RIVAL_SERVICE_US
      expect(begunUs).toBeLessThanOrEqual(Math.max(safeUs, aheadUs))
      expect(begunUs).toBeGreaterThan(0)
    },
  )

  test('without a deadline runs within its patience in order edf', () => {
    const siege = (agingPerUs: number) => {
      const queue = new QueueUnderTest({ order: 'edf', agingPerUs })
      queue.submit('victim', victim)
      for (let i = 0; i < 400; i++) queue.submit(`r${i}`, { arrivalUs: 10 * i, deadlineUs: 10 * i + 5_000 })
      return queue.drain().indexOf('victim')
    }
    // Due at 6,000 us: rivals due earlier, those that arrive within 1,000 us, go first.
    expect([siege(0), siege(1 / 6_000)]).toEqual([400, 100])
  })
})
