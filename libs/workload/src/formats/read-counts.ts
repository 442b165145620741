import type { LineProblem } from './problem.js'

/**
 * What a reader did to the input besides passing it on. Nothing is dropped or changed without being counted
 * here.
 */
export interface ReadCounts {
  /** Lines of input, header and blank lines included. */
  readonly lines: number
  readonly records: number
  /** Malformed lines skipped because the caller asked for it. */
  readonly badLines: number
  /** The first few of them. */
  readonly firstProblems: readonly LineProblem[]
  /** Rows that the format's own rule leaves out: BurstGPT's failed requests, which have no tokens. */
  readonly skippedByRule: number
  /** Zero prompts and outputs raised to one token. */
  readonly raisedPrompts: number
  readonly raisedOutputs: number
  /** Prompts given as text, whose tokens were estimated. */
  readonly estimatedPrompts: number
  /** Arrivals before their predecessor's that were moved up to it, or passed on for the caller to sort. */
  readonly clampedArrivals: number
  readonly unsortedArrivals: number
}

const PROBLEMS_KEPT = 10

/** Counts being made. */
export class ReadTally implements ReadCounts {
  lines = 0
  records = 0
  badLines = 0
  skippedByRule = 0
  raisedPrompts = 0
  raisedOutputs = 0
  estimatedPrompts = 0
  clampedArrivals = 0
  unsortedArrivals = 0
  readonly firstProblems: LineProblem[] = []

  countBadLine(problem: LineProblem): void {
    this.badLines++
    if (this.firstProblems.length < PROBLEMS_KEPT) this.firstProblems.push(problem)
  }
}

/** One sentence for every count that is not zero and that the reader of a result should know about. */
export function describeCounts(counts: ReadCounts): readonly string[] {
  const notes: readonly (readonly [count: number, note: string])[] = [
    [counts.badLines, 'malformed lines skipped'],
    [counts.skippedByRule, 'failed requests without tokens left out'],
    [counts.raisedPrompts, 'empty prompts raised to one token'],
    [counts.raisedOutputs, 'empty outputs raised to one token'],
    [counts.estimatedPrompts, 'prompt lengths estimated from text, four characters a token'],
    [counts.clampedArrivals, 'arrivals out of order moved up to their predecessor'],
    [counts.unsortedArrivals, 'arrivals out of order'],
  ]
  return notes.filter(([count]) => count > 0).map(([count, note]) => `${count} ${note}`)
}
