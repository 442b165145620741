import type { BlockCopies, ModelSummary, PreemptionCounts, PreemptionDecision } from '@kvasir/contracts'
import { type Bytes, invariant, type Micros } from '@kvasir/kernel'
import { CountingHistogram, SampleSet, summarise, WaitingTally } from '@kvasir/metrics'

/** What a summary says alike of a run and of one model in it, but for SLOs and fairness. */
type CountedOutcome = Pick<
  ModelSummary,
  | 'requests'
  | 'tokens'
  | 'ttftUs'
  | 'tpotUs'
  | 'itlUs'
  | 'e2eUs'
  | 'queueUs'
  | 'weightedWaitUs'
  | 'weightedTurnaroundUs'
  | 'makespanUs'
  | 'preemptions'
  | 'swap'
>

/** Samples and counts of requests: nothing per request once it has ended but eight bytes for each latency. */
export class OutcomeRecord {
  readonly ttft = new SampleSet()
  readonly tpot = new SampleSet()
  readonly e2e = new SampleSet()
  readonly queue = new SampleSet()
  readonly itl = new CountingHistogram()
  readonly waiting = new WaitingTally()
  readonly #rejectedBy = new Map<string, number>()
  readonly #deniedBy = new Map<string, number>()
  submitted = 0
  finished = 0
  rejected = 0
  promptTokens = 0
  outputTokens = 0
  computedTokens = 0
  recomputedTokens = 0
  restoredTokens = 0
  swappedOutBytes = 0
  swappedInBytes = 0
  copyWaitUs = 0
  prefixHitTokens = 0
  brokered = 0
  granted = 0
  partial = 0
  denied = 0
  expired = 0
  grantedBundles = 0
  victims = 0
  local = 0

  get unfinished(): number {
    return this.submitted - this.finished - this.rejected
  }

  reject(reason: string): void {
    this.rejected++
    count(this.#rejectedBy, reason, 1)
  }

  /** `blockBytes`: of a block on all ranks together. */
  copied({ outCount, inCount }: BlockCopies, blockBytes: Bytes): void {
    this.swappedOutBytes += outCount * blockBytes
    this.swappedInBytes += inCount * blockBytes
  }

  /** A step began to compute so much later for copies. */
  waitedForCopies(us: Micros): void {
    this.copyWaitUs += us
  }

  /** The end of a preemption request. */
  preemptionEnded(decision: PreemptionDecision): void {
    this.grantedBundles += decision.granted
    if (decision.outcome === 'granted') this.granted++
    else if (decision.outcome === 'granted_partial') this.partial++
    else if (decision.outcome === 'expired') this.expired++
    else {
      this.denied++
      count(this.#deniedBy, decision.reason ?? '', 1)
    }
  }

  /** Adds what `other` has seen. */
  absorb(other: OutcomeRecord): void {
    this.ttft.merge(other.ttft)
    this.tpot.merge(other.tpot)
    this.e2e.merge(other.e2e)
    this.queue.merge(other.queue)
    this.itl.merge(other.itl)
    this.waiting.merge(other.waiting)
    for (const [reason, times] of other.#rejectedBy) count(this.#rejectedBy, reason, times)
    for (const [reason, times] of other.#deniedBy) count(this.#deniedBy, reason, times)
    this.submitted += other.submitted
    this.finished += other.finished
    this.rejected += other.rejected
    this.promptTokens += other.promptTokens
    this.outputTokens += other.outputTokens
    this.computedTokens += other.computedTokens
    this.recomputedTokens += other.recomputedTokens
    this.restoredTokens += other.restoredTokens
    this.swappedOutBytes += other.swappedOutBytes
    this.swappedInBytes += other.swappedInBytes
    this.copyWaitUs += other.copyWaitUs
    this.prefixHitTokens += other.prefixHitTokens
    this.brokered += other.brokered
    this.granted += other.granted
    this.partial += other.partial
    this.denied += other.denied
    this.expired += other.expired
    this.grantedBundles += other.grantedBundles
    this.victims += other.victims
    this.local += other.local
  }

  outcome(): CountedOutcome {
    return {
      requests: {
        submitted: this.submitted,
        finished: this.finished,
        rejected: this.rejected,
        unfinished: this.unfinished,
        rejectedBy: Object.fromEntries([...this.#rejectedBy].sort()),
      },
      tokens: {
        prompt: this.promptTokens,
        output: this.outputTokens,
        computed: this.computedTokens,
        recomputed: this.recomputedTokens,
        wastedShare: this.computedTokens > 0 ? this.recomputedTokens / this.computedTokens : 0,
        prefixHit: this.prefixHitTokens,
      },
      ttftUs: summarise(this.ttft),
      tpotUs: summarise(this.tpot),
      itlUs: summarise(this.itl),
      e2eUs: summarise(this.e2e),
      queueUs: summarise(this.queue),
      weightedWaitUs: this.waiting.weightedWaitUs,
      weightedTurnaroundUs: this.waiting.weightedTurnaroundUs,
      makespanUs: this.waiting.makespanUs,
      preemptions: this.#preemptions(),
      swap: {
        outBytes: this.swappedOutBytes,
        inBytes: this.swappedInBytes,
        waitUs: this.copyWaitUs,
        savedTokens: this.restoredTokens,
      },
    }
  }

  #preemptions(): PreemptionCounts {
    const ended = this.granted + this.partial + this.denied + this.expired
    invariant(ended <= this.brokered, () => `${ended} of ${this.brokered} preemption requests ended`)
    return {
      brokered: this.brokered,
      granted: this.granted,
      partial: this.partial,
      denied: this.denied,
      expired: this.expired,
      pending: this.brokered - ended,
      deniedBy: Object.fromEntries([...this.#deniedBy].sort()),
      bundles: this.grantedBundles,
      victims: this.victims,
      local: this.local,
    }
  }
}

function count(counts: Map<string, number>, key: string, times: number): void {
  counts.set(key, (counts.get(key) ?? 0) + times)
}
