import type { EngineDocument, Heartbeat, PreemptionRequest, SupplyPoint } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'

const PRIORITY = 0
/** Cost of stopping what uses one bundle. Every bundle is alike: who gives is a matter of shares. */
const BUNDLE_COST_US = 10_000
const WITHIN_US: Micros = 2_000_000

/** An engine's half of the protocol of memory, with a demand in bundles in place of sequences. */
export class NoisyEngine {
  readonly name: string
  readonly #epoch: number
  /** Wait after a refusal, as engines do. */
  readonly #backoffUs: Micros
  #document: EngineDocument | undefined
  #beat = 0
  #number = 1
  #open: string | undefined
  #quietUntilUs: Micros = -Infinity
  demand: Bundles = 0
  held: Bundles = 0
  /** Bundles that were in use and had to be given up. */
  evicted: Bundles = 0

  constructor(name: string, epoch: number, backoffUs: Micros) {
    this.name = name
    this.#epoch = epoch
    this.#backoffUs = backoffUs
  }

  get inUse(): Bundles {
    return Math.min(this.demand, this.held)
  }

  hear(now: Micros, document: EngineDocument): void {
    this.#document = document
    this.held = Math.max(this.held, document.leaseBundles)
    const outcome = document.outcomes.find(({ id }) => id === this.#open)
    if (!outcome) return
    this.#open = undefined
    if (outcome.kind === 'denied') this.#quietUntilUs = now + this.#backoffUs
  }

  /** What is above the lease goes, at the end of a step: what is free at once, what is in use as far as orders allow. */
  release(): boolean {
    const { leaseBundles = 0, reclaims = [] } = this.#document ?? {}
    const excess = this.held - leaseBundles
    if (excess <= 0) return false
    const unused = Math.min(excess, this.held - this.inUse)
    const allowed = reclaims
      .filter(({ victimsBelow }) => victimsBelow === null || (victimsBelow ?? -Infinity) > PRIORITY)
      .reduce((sum, { bundles }) => sum + bundles, 0)
    const stopped = Math.min(excess - unused, allowed)
    this.held -= unused + stopped
    this.evicted += stopped
    return unused + stopped > 0
  }

  /** What it lacks, unless it is waiting for an answer. */
  ask(now: Micros): PreemptionRequest | undefined {
    const bundles = this.demand - this.held
    if (bundles <= 0 || this.#open !== undefined || now < this.#quietUntilUs) return undefined
    const number = ++this.#number
    this.#open = `${this.name}/${number}`
    return {
      kind: 'request',
      engine: this.name,
      incarnation: 1,
      number,
      id: this.#open,
      bundles,
      minBundles: 1,
      priority: PRIORITY,
      class: 'auto',
      withinUs: WITHIN_US,
    }
  }

  heartbeat(): Heartbeat {
    return {
      kind: 'heartbeat',
      engine: this.name,
      incarnation: 1,
      beat: ++this.#beat,
      model: this.name,
      processedThrough: this.#document?.processedThrough ?? 0,
      epoch: this.#epoch,
      sequence: this.#document?.sequence ?? 0,
      held: this.held,
      inUse: this.inUse,
      demand: { tokens: this.demand, bundles: this.demand, tokensPerSecond: 10_000 },
      spentTokens: 0,
      lowestPriority: this.inUse > 0 ? PRIORITY : null,
      supply: supplyOf(this.inUse),
    }
  }
}

/** 1, 2, 4, … bundles, and all of them. */
function supplyOf(inUse: Bundles): readonly SupplyPoint[] {
  const points: SupplyPoint[] = []
  for (let bundles = 1; bundles < inUse && points.length < 15; bundles *= 2) points.push(pointOf(bundles))
  return inUse > 0 ? [...points, pointOf(inUse)] : points
}

function pointOf(bundles: Bundles): SupplyPoint {
  return { priority: PRIORITY, bundles, costUs: bundles * BUNDLE_COST_US }
}
