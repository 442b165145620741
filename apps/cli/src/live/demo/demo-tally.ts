import type { Micros } from '@kvasir/kernel'
import { SampleSet, type SloLimits, SloTally } from '@kvasir/metrics'
import type { Seen } from './play-request.js'

/** What became of one model's requests. */
export class ModelTally {
  readonly slo: SloTally
  readonly ttftUs = new SampleSet()
  readonly tpotUs = new SampleSet()
  finished = 0
  outputTokens = 0
  /** By reason. */
  readonly failed = new Map<string, number>()

  constructor(limits: SloLimits) {
    this.slo = new SloTally(limits)
  }

  get requests(): number {
    return this.slo.total
  }

  add(seen: Seen): void {
    if (seen.kind === 'failed') {
      this.slo.missed()
      this.failed.set(seen.reason, (this.failed.get(seen.reason) ?? 0) + 1)
      return
    }
    const tpotUs = tpotOf(seen)
    this.slo.finished({ ttftUs: seen.ttftUs, tpotUs, e2eUs: seen.e2eUs })
    this.finished++
    this.outputTokens += seen.tokens
    this.ttftUs.add(seen.ttftUs)
    if (tpotUs !== undefined) this.tpotUs.add(tpotUs)
  }
}

function tpotOf({ ttftUs, e2eUs, tokens }: Extract<Seen, { kind: 'finished' }>): Micros | undefined {
  return tokens > 1 ? (e2eUs - ttftUs) / (tokens - 1) : undefined
}
