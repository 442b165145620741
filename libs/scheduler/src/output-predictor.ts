import { invariant, type Tokens } from '@kvasir/kernel'
import { LengthSketch } from './length-sketch.js'
import type { SequenceInput } from './sequence-input.js'

/**
 * What the orders expect of an output's length.
 *
 * - `max-tokens`: as long as the client allows it to be.
 * - `learned`: a quantile of the outputs that this engine, hence this model, has finished so far. Of a sequence that has put out some
 *   tokens already, the quantile among the longer ones. Until enough have finished, and above all that were seen: `max-tokens`.
 * - `oracle`: the true length, where it is known beforehand: in a simulation.
 */
export type PredictorName = 'oracle' | 'max-tokens' | 'learned'

export interface OutputPredictor {
  /** Output tokens that a sequence which has put out `outputs` is expected to have in the end. */
  predict(input: SequenceInput, outputs: Tokens): Tokens
  /** A sequence is finished with so many. */
  learn(outputs: Tokens): void
}

/** Finished outputs before `learned` speaks; the first to finish are the short ones, so fewer would say too little. */
export const SAMPLES_NEEDED = 32
/** Finished outputs after which one counts for half. */
const WINDOW = 2_048

/** `quantile`: of `learned`, between 0 and 1. */
export function makeOutputPredictor(name: PredictorName, quantile: number): OutputPredictor {
  switch (name) {
    case 'max-tokens':
      return { predict: ({ maxOutputTokens }) => maxOutputTokens, learn: () => {} }
    case 'oracle':
      return { predict: ({ id, knownOutputTokens }) => knownLength(id, knownOutputTokens), learn: () => {} }
    case 'learned':
      return new LearnedLengths(quantile)
  }
}

function knownLength(id: string, tokens: Tokens | undefined): Tokens {
  invariant(tokens !== undefined, () => `predictor oracle: nobody knows how long the output of ${id} will be`)
  return tokens
}

class LearnedLengths implements OutputPredictor {
  readonly #quantile: number
  readonly #sketch = new LengthSketch(WINDOW)
  /** Answer of the sketch by output tokens, until it learns more: sequences that wait mostly ask for 0. */
  readonly #answers = new Map<Tokens, Tokens | undefined>()

  constructor(quantile: number) {
    this.#quantile = quantile
  }

  predict({ maxOutputTokens }: SequenceInput, outputs: Tokens): Tokens {
    if (this.#sketch.total < SAMPLES_NEEDED) return maxOutputTokens
    return Math.min(maxOutputTokens, this.#answer(outputs) ?? maxOutputTokens)
  }

  learn(outputs: Tokens): void {
    this.#sketch.add(outputs)
    this.#answers.clear()
  }

  #answer(outputs: Tokens): Tokens | undefined {
    if (!this.#answers.has(outputs)) {
      this.#answers.set(outputs, this.#sketch.quantileAbove(outputs, this.#quantile))
    }
    return this.#answers.get(outputs)
  }
}
