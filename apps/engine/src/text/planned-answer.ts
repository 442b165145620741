import type { FinishReason } from '@kvasir/scheduler'
import { naturalLengthMost, Output } from './output.js'

export interface AnswerLimits {
  /** As asked for. */
  readonly maxTokens: number | undefined
  /** Tokens that the context has left after the prompt. */
  readonly roomTokens: number
  /** Texts at which the answer ends. */
  readonly stops: readonly string[]
}

/** An answer as it will be, once it has been computed. */
export interface PlannedAnswer {
  readonly output: Output
  /** What the scheduler is told: a live engine does not know more. */
  readonly maxOutputTokens: number
  /** Where it ends. */
  readonly outputTokens: number
  readonly finish: FinishReason
  /** Characters of its text: a stop text that its last tokens spell is not part of it. */
  readonly textLength: number
}

/**
 * With `max_tokens` an answer is so long; without, it ends of its own accord. A stop text ends it earlier, and is not part of it.
 */
export function planAnswer(
  model: string,
  prompt: readonly number[],
  { maxTokens, roomTokens, stops }: AnswerLimits,
): PlannedAnswer {
  const output = new Output(model, prompt)
  const room = Math.max(1, roomTokens)
  const wanted = maxTokens ?? output.naturalLength
  const length = Math.min(wanted, room)
  const whole: PlannedAnswer = {
    output,
    maxOutputTokens: Math.min(maxTokens ?? naturalLengthMost, room),
    outputTokens: length,
    finish: maxTokens === undefined && length === wanted ? 'stop' : 'length',
    textLength: Infinity,
  }
  const stop = stops.length === 0 ? undefined : firstStop(output, length, stops)
  return stop === undefined ? whole : { ...whole, ...stop, finish: 'stop' }
}

/** The token that completes a stop text first, and how much of the answer's text comes before it. */
function firstStop(
  output: Output,
  length: number,
  stops: readonly string[],
): Pick<PlannedAnswer, 'outputTokens' | 'textLength'> | undefined {
  const longest = Math.max(...stops.map((stop) => stop.length))
  let text = ''
  for (let position = 0; position < length; position++) {
    const before = text.length
    text += output.text(position)
    const from = Math.max(0, before - longest + 1)
    const hits = stops.map((stop) => text.indexOf(stop, from)).filter((index) => index >= 0)
    if (hits.length > 0) return { outputTokens: position + 1, textLength: Math.min(...hits) }
  }
  return undefined
}
