import { type Micros, secondsToMicros } from '@kvasir/kernel'
import { BadInput } from '../bad-input.js'
import { type DecisionSource, logSource } from './decision-source.js'

/** @throws {BadInput} when there is no source. */
export function sourceOf({ log }: { readonly log?: string }): DecisionSource {
  if (log === undefined)
    throw new BadInput(
      '--log is missing; it must be a decision log, such as decisions.jsonl.gz of kvasir simulate',
    )
  return logSource(log)
}

/** @throws {BadInput} when it is no time. */
export function timeOf(at: string): Micros {
  const value = Number(at)
  if (at.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new BadInput(
      `--at is ${JSON.stringify(at)}; it must be a time in seconds from the start of the run`,
    )
  return secondsToMicros(value)
}
