import { EventHeap, SeededRng } from '@kvasir/kernel'

/**
 * Pairs of pop and push per second on a binary heap with 10,000 pending events, best of five: a measure of the machine and of
 * Node, not of the simulator. `shared/reference/stack.md` §7 recorded 6.2 million a second for the same structure on the machine
 * on which the other simulators were timed, so the ratio of the two carries their times over to this one.
 * @param clock seconds, of the wall or of the processor; of the wall when absent.
 */
export function heapHoldPerSecond(clock: () => number = wallSeconds): number {
  const PENDING = 10_000
  const PAIRS = 1_000_000
  let best = 0
  for (let attempt = 0; attempt < 5; attempt++) {
    const rng = new SeededRng(attempt, 'yardstick')
    const heap = new EventHeap(PENDING * 2)
    for (let i = 0; i < PENDING; i++) heap.push(rng.int(1_000_000), 0, i)
    const delays = Float64Array.from({ length: 4096 }, () => rng.int(1_000_000))
    const started = clock()
    for (let i = 0; i < PAIRS; i++) {
      const payload = heap.pop()
      heap.push(heap.time + delays[i & 4095], 0, payload)
    }
    best = Math.max(best, PAIRS / (clock() - started))
  }
  return best
}

/** Recorded for the same structure and size on the machine of the other simulators' timings. */
export const RECORDED_HEAP_HOLD_PER_SECOND = 6_200_000

function wallSeconds(): number {
  return performance.now() / 1000
}

/** Processor time of all threads of this process: what a busy machine does not lengthen as it does the clock's. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
