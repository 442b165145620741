import { invariant } from '@kvasir/kernel'
import { driveCase } from './drive-case.js'
import type { GoldenCase, GoldenStep, GoldenTotals } from './golden-case.js'
import { recordedLines, type StepLines, Transcript } from './transcript.js'

/** Where a replay first leaves the record. `expected` and `actual` are canonical lines, or hashes where only those are recorded. */
export interface Difference {
  /** Undefined for what belongs to no step (totals, the final free queue). */
  readonly step?: number
  readonly what: 'decisions' | 'blocks' | 'queues' | 'steps' | 'totals' | 'requests' | 'free_queue' | 'digest'
  readonly expected: string
  readonly actual: string
}

export interface CaseResult {
  readonly name: string
  /** Decisions, physical blocks, final free queue, totals and requests all equal the record. */
  readonly matched: boolean
  /** Conformance level 1: every decision. */
  readonly decisionsMatch: boolean
  /** Conformance level 2: every physical block and the final free queue. */
  readonly blocksMatch: boolean
  readonly steps: number
  readonly firstDifference?: Difference
}

/** Lower-case hex of the SHA-256 of a text's UTF-8 bytes. */
export type Sha256 = (text: string) => string

/**
 * Replays a recorded case through the scheduler that engines run, and compares everything that was recorded.
 * @throws {InvariantError} for a case of another format.
 */
export function replayCase(golden: GoldenCase, sha256: Sha256): CaseResult {
  invariant(golden.format === 1, () => `${golden.name}: format ${golden.format} instead of 1`)
  const transcript = new Transcript(golden)
  const { run, end } = driveCase(golden, transcript)
  const { expect } = golden
  const { lines } = transcript
  const freeQueue = run.pool.freeOrder().join(',')

  const digest = digestOf(lines, (line) => line.decisions, sha256)
  const blockDigest = digestOf(lines, (line) => line.blocks, sha256)
  const freeQueueDigest = sha256(freeQueue)
  const totals: GoldenTotals = {
    steps: lines.length,
    end,
    last_step: lines.length === 0 ? -1 : lines[lines.length - 1].step,
    scheduled_tokens: transcript.totals.scheduledTokens,
    output_tokens: transcript.totals.outputTokens,
    preemptions: transcript.totals.preemptions,
    hit_tokens: transcript.totals.hitTokens,
    peak_running: transcript.totals.peakRunning,
    peak_used_blocks: transcript.totals.peakUsedBlocks,
    final_free_queue_sha256: freeQueueDigest,
  }

  const decisionsMatch = digest === expect.digest
  const blocksMatch =
    blockDigest === expect.block_digest && freeQueueDigest === expect.totals.final_free_queue_sha256
  const difference =
    firstStepDifference(golden, lines, sha256, decisionsMatch && blocksMatch) ??
    compareText('digest', `${expect.digest} ${expect.block_digest}`, `${digest} ${blockDigest}`) ??
    compareText('free_queue', expect.totals.final_free_queue_sha256, freeQueueDigest) ??
    totalsDifference(expect.totals, totals) ??
    requestDifference(golden, transcript)
  return {
    name: golden.name,
    matched: decisionsMatch && blocksMatch && difference === undefined,
    decisionsMatch,
    blocksMatch,
    steps: lines.length,
    ...(difference === undefined ? {} : { firstDifference: difference }),
  }
}

function digestOf(lines: readonly StepLines[], part: (line: StepLines) => string, sha256: Sha256): string {
  return sha256(lines.map((line) => `${part(line)}\n`).join(''))
}

function firstStepDifference(
  golden: GoldenCase,
  lines: readonly StepLines[],
  sha256: Sha256,
  digestsMatch: boolean,
): Difference | undefined {
  const { steps } = golden.expect
  // Where only hashes were recorded per step, equal digests spare the search.
  if (golden.level === 'compact' && digestsMatch) return undefined
  for (let i = 0; i < Math.min(steps.length, lines.length); i++) {
    const recorded = steps[i]
    const difference = isCompact(recorded)
      ? compactDifference(golden, recorded, lines[i], sha256)
      : fullDifference(recorded, lines[i])
    if (difference !== undefined) return difference
  }
  return compareText('steps', String(steps.length), String(lines.length))
}

function isCompact(step: GoldenStep | readonly (string | number)[]): step is readonly (string | number)[] {
  return Array.isArray(step)
}

function fullDifference(recorded: GoldenStep, actual: StepLines): Difference | undefined {
  const expected = recordedLines(recorded)
  return (
    compareText('decisions', expected.decisions, actual.decisions, actual.step) ??
    compareText('blocks', expected.blocks, actual.blocks, actual.step) ??
    compareText('queues', expected.queues, actual.queues, actual.step)
  )
}

function compactDifference(
  { expect }: GoldenCase,
  recorded: readonly (string | number)[],
  actual: StepLines,
  sha256: Sha256,
): Difference | undefined {
  const columns = expect.step_columns ?? []
  const decisions = String(recorded[columns.indexOf('h12')])
  const blocks = String(recorded[columns.indexOf('hb8')])
  const found =
    compareText('decisions', decisions, sha256(`${actual.decisions}\n`).slice(0, 12), actual.step) ??
    compareText('blocks', blocks, sha256(`${actual.blocks}\n`).slice(0, 8), actual.step)
  if (found === undefined) return undefined
  // The record has a hash and a summary of the step; ours is shown in full beside it.
  const summary = columns.map((column, c) => `${column}=${recorded[c]}`).join(' ')
  return { ...found, expected: summary, actual: found.what === 'blocks' ? actual.blocks : actual.decisions }
}

function totalsDifference(expected: GoldenTotals, actual: GoldenTotals): Difference | undefined {
  const names = Object.keys(actual) as (keyof GoldenTotals)[]
  const text = (totals: GoldenTotals) => names.map((name) => `${name}=${totals[name]}`).join(' ')
  return compareText('totals', text(expected), text(actual))
}

function requestDifference({ expect }: GoldenCase, transcript: Transcript): Difference | undefined {
  const rows = transcript.requestRows()
  for (let r = 0; r < Math.max(rows.length, expect.requests.length); r++) {
    const difference = compareText('requests', JSON.stringify(expect.requests[r]), JSON.stringify(rows[r]))
    if (difference !== undefined) return difference
  }
  return undefined
}

function compareText(
  what: Difference['what'],
  expected: string,
  actual: string,
  step?: number,
): Difference | undefined {
  if (expected === actual) return undefined
  return { what, expected, actual, ...(step === undefined ? {} : { step }) }
}
