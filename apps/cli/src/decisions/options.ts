import { type Micros, secondsToMicros } from '@kvasir/kernel'
import { BadInput } from '../bad-input.js'
import { type DecisionSource, logSource } from './decision-source.js'
import { liveSource } from './live-source.js'

/** A log, or else the cluster that is up. @throws {BadInput} when there is no such log. @throws {ClusterTrouble} when none is up. */
export function sourceOf({ log }: { readonly log?: string }): DecisionSource {
  return log === undefined ? liveSource() : logSource(log)
}

/** When: a time of a log, or now of a cluster. @throws {BadInput} when it is not the one that belongs to the source. */
export function timeOf({ at, log }: { readonly at?: string; readonly log?: string }): Micros {
  if (log === undefined) {
    if (at === undefined) return Infinity
    throw new BadInput(
      `--at is ${JSON.stringify(at)}; without --log it must be left out: the newest rounds count`,
    )
  }
  if (at === undefined)
    throw new BadInput('--at is missing; it must be a time in seconds from the start of the run')
  const value = Number(at)
  if (at.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new BadInput(
      `--at is ${JSON.stringify(at)}; it must be a time in seconds from the start of the run`,
    )
  return secondsToMicros(value)
}
