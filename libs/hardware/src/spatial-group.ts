import { invariant, type Micros } from '@kvasir/kernel'
import { type SpatialStep, spatialUs } from './spatial-step.js'

/** Steps of several engines that run on one group at once, each on SMs of its own; they share the memory bandwidth. */
export class SpatialGroup {
  readonly #running = new Map<string, Running>()
  /** Up to when the steps' progress is counted. */
  #countedUs: Micros = 0

  /** Share of the SMs that steps run on. */
  get occupied(): number {
    let sum = 0
    for (const { multiprocessors } of this.#running.values()) sum += multiprocessors
    return sum
  }

  /**
   * Begins a step. Its group must have the SMs: parts that run at once add up to 1 at most.
   * @returns when each step that runs would end if nothing began or ended any more, this one included.
   */
  begin(now: Micros, engine: string, run: SpatialRun): readonly SpatialEnd[] {
    invariant(!this.#running.has(engine), () => `engine ${engine} begins a step while one runs`)
    this.#count(now)
    this.#running.set(engine, { ...run, done: 0, usPerStep: Infinity })
    const { occupied } = this
    invariant(occupied <= 1 + ROUNDING, () => `steps run on ${occupied} of the SMs, which are 1`)
    return this.#ends(now)
  }

  /** Ends a step, whatever is left of it. @returns when each of the others would end now. */
  end(now: Micros, engine: string): readonly SpatialEnd[] {
    invariant(this.#running.has(engine), () => `engine ${engine} ends a step that does not run`)
    this.#count(now)
    this.#running.delete(engine)
    return this.#ends(now)
  }

  #count(now: Micros): void {
    const passedUs = now - this.#countedUs
    invariant(passedUs >= 0, () => `${now} us is before ${this.#countedUs} us, up to which steps are counted`)
    this.#countedUs = now
    for (const running of this.#running.values())
      running.done = Math.min(1, running.done + passedUs / running.usPerStep)
  }

  #ends(now: Micros): readonly SpatialEnd[] {
    const bandwidth = bandwidthLimit([...this.#running.values()])
    return [...this.#running].map(([engine, running]) => {
      running.usPerStep = spatialUs(running.step, { multiprocessors: running.multiprocessors, bandwidth })
      const leftUs = Math.round((1 - running.done) * running.usPerStep)
      // A step takes time, if only the least there is.
      return { engine, endUs: running.done === 0 ? now + Math.max(1, leftUs) : now + leftUs }
    })
  }
}

export interface SpatialRun {
  readonly step: SpatialStep
  /** Share of the group's SMs. */
  readonly multiprocessors: number
}

export interface SpatialEnd {
  readonly engine: string
  readonly endUs: Micros
}

interface Running extends SpatialRun {
  /** Fraction of the step that is computed. */
  done: number
  /** What the whole step would take as it runs now. */
  usPerStep: number
}

const ROUNDING = 1e-9
/** Halvings of the interval in which the limit is looked for: to a millionth. */
const HALVINGS = 20

/**
 * The most that each step may take of the bandwidth, so that all of them together take no more than there is: who needs less has it,
 * the others have equal parts of the rest, as memory controllers serve requests in turn. A step uses its traffic over its time.
 */
export function bandwidthLimit(runs: readonly SpatialRun[]): number {
  if (bandwidthUsed(runs, 1) <= 1) return 1
  // Nobody can use more than its limit, so equal parts are always few enough.
  let enough = 1 / runs.length
  let tooMuch = 1
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (enough + tooMuch) / 2
    if (bandwidthUsed(runs, middle) <= 1) enough = middle
    else tooMuch = middle
  }
  return enough
}

/** Share of the bandwidth that steps use on average while each may take `bandwidth` of it at most. */
export function bandwidthUsed(runs: readonly SpatialRun[], bandwidth: number): number {
  let used = 0
  for (const { step, multiprocessors } of runs) {
    if (step.trafficUs > 0) used += step.trafficUs / spatialUs(step, { multiprocessors, bandwidth })
  }
  return used
}
