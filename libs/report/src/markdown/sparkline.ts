import { groupMeans } from '../down-sample.js'

const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A line of block letters from 0 to `max` (the largest mean shown when it is left out), at most `width` long. */
export function sparkline(values: readonly number[], width = 60, max?: number): string {
  const means = groupMeans(values, Math.max(1, Math.ceil(values.length / width)))
  const top = max ?? Math.max(0, ...means)
  return means.map((mean) => LEVELS[top === 0 ? 0 : levelOf(mean / top)]).join('')
}

function levelOf(share: number): number {
  return Math.min(LEVELS.length - 1, Math.max(0, Math.round(share * (LEVELS.length - 1))))
}
