import type { Micros } from '@kvasir/kernel'

/** Weight of the newest step in the running means: about the last twenty steps count. */
const NEWEST = 0.05

/** What an engine computes per second and per step at its present mix, as it measures itself. */
export class RateMeter {
  #tokens: number
  #stepUs: number
  /** The same, counted as if the whole group had been the engine's for as much of the time as it had of the group. */
  #groupUs: number
  #spentTokens = 0

  constructor(tokensPerSecond: number) {
    this.#stepUs = 20_000
    this.#groupUs = this.#stepUs
    this.#tokens = (tokensPerSecond * this.#stepUs) / 1_000_000
  }

  /** Mean time of a step of late. */
  get stepUs(): Micros {
    return this.#stepUs
  }

  /** Of the group's time: what all of it would compute if it did nothing else. */
  get tokensPerSecond(): number {
    return Math.round((this.#tokens * 1_000_000) / this.#groupUs)
  }

  /**
   * What a step's time is worth at this rate. Budgets are divided at it, so a step is charged no more: the prompt of an engine that mostly
   * decodes is many tokens and little time, and would cost it its turns for many rounds.
   */
  tokensWorth(durationUs: Micros, share: number): number {
    return (durationUs * share * this.tokensPerSecond) / 1_000_000
  }

  /** Tokens of all steps so far. */
  get spentTokens(): number {
    return this.#spentTokens
  }

  /** @param share fraction of the group that the step ran on. */
  record(tokens: number, durationUs: Micros, share: number): void {
    this.#spentTokens += tokens
    this.#tokens += NEWEST * (tokens - this.#tokens)
    this.#stepUs += NEWEST * (durationUs - this.#stepUs)
    this.#groupUs += NEWEST * (durationUs * share - this.#groupUs)
  }

  /**
   * Decode tokens due in a round plus the prefill tokens that could be computed in it.
   * @param paceUs time in which each sequence is due a token; without it as many are due as can be computed.
   */
  demandTokens(decodes: number, prefillTokens: number, roundUs: Micros, paceUs?: Micros): number {
    const steps =
      paceUs === undefined ? Math.max(1, roundUs / this.#stepUs) : roundUs / Math.max(this.#stepUs, paceUs)
    const computable = (this.tokensPerSecond * roundUs) / 1_000_000
    return Math.ceil(decodes * steps + Math.min(prefillTokens, computable))
  }
}
