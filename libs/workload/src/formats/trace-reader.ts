import type { RequestRecord } from '../request.js'
import { CSV_LAYOUTS } from './csv-layouts.js'
import { CsvTraceParser } from './csv-trace.js'
import { EXPECTED_TRACE, isTraceFormat, type TraceFormat } from './format-names.js'
import { JsonTraceParser } from './json-trace.js'
import { kvasirLayout } from './kvasir-requests.js'
import { llmschedLayout } from './llmsched.js'
import { mooncakeLayout } from './mooncake.js'
import {
  type LineParser,
  type Opening,
  PushReader,
  type ReadBatch,
  readText,
  refuseFormat,
} from './push-reader.js'
import { ReadTally } from './read-counts.js'
import { sniffFormat } from './sniff.js'
import { type OutOfOrderRule, TraceClock } from './trace-clock.js'

export interface TraceReaderOptions {
  /** Instead of recognising it. */
  readonly format?: TraceFormat | undefined
  /** Skip and count malformed lines instead of stopping at the first. */
  readonly skipBadLines?: boolean | undefined
  /** `refuse` by default. */
  readonly outOfOrder?: OutOfOrderRule | undefined
  /**
   * Let the first row arrive at 0; by default only for formats whose clock has a zero of its own (Azure,
   * BurstGPT).
   */
  readonly rebase?: boolean | undefined
}

/** Reads a request trace of any known format from pushed text. */
export function createTraceReader(options: TraceReaderOptions = {}): PushReader<RequestRecord> {
  const tally = new ReadTally()
  return new PushReader({ skipBadLines: options.skipBadLines ?? false, tally }, (head) =>
    open(head, options, tally),
  )
}

/** A whole trace that is in memory already. */
export function parseTrace(text: string, options: TraceReaderOptions = {}): ReadBatch<RequestRecord> {
  return readText(createTraceReader(options), text)
}

function open(head: string, options: TraceReaderOptions, tally: ReadTally): Opening<RequestRecord> {
  const format = options.format ?? sniffFormat(head)
  if (format === 'lengths')
    return refuseFormat(
      head,
      'the header of a trace: it has lengths but no arrival times, pair it with a generator',
    )
  if (format === 'rates')
    return refuseFormat(
      head,
      'the header of a trace: it has request rates but no requests, use it as a rate curve',
    )
  if (format === undefined || !isTraceFormat(format)) return refuseFormat(head, EXPECTED_TRACE)
  return { kind: 'opened', format, parser: parserOf(format, options, tally) }
}

function parserOf(
  format: TraceFormat,
  options: TraceReaderOptions,
  tally: ReadTally,
): LineParser<RequestRecord> {
  const csv = CSV_LAYOUTS.find((layout) => layout.format === format)
  const rebase = options.rebase ?? csv?.rebase ?? false
  const clock = new TraceClock({ rebase, outOfOrder: options.outOfOrder ?? 'refuse' }, tally)
  if (csv !== undefined) return new CsvTraceParser(csv, clock, tally)
  const json = format === 'mooncake' ? mooncakeLayout : format === 'llmsched' ? llmschedLayout : kvasirLayout
  return new JsonTraceParser(json, clock, tally)
}
