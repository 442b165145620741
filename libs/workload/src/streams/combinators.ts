import { invariant, type Micros } from '@kvasir/kernel'
import { repetitionUs } from '../generators/arrivals.js'
import type { RequestRecord, RequestStream } from '../request.js'

/** Records that are in memory already, in order of arrival. */
export function streamOf(records: readonly RequestRecord[]): RequestStream {
  let at = 0
  return { next: () => records[at++] }
}

/** The rest of a stream; for small ones. */
export function takeAll(stream: RequestStream): readonly RequestRecord[] {
  const records: RequestRecord[] = []
  for (let record = stream.next(); record !== undefined; record = stream.next()) records.push(record)
  return records
}

/** Applies `change` to every record. It must not put an arrival before its predecessor's. */
export function mapStream(
  stream: RequestStream,
  change: (record: RequestRecord) => RequestRecord,
): RequestStream {
  return {
    next() {
      const record = stream.next()
      return record === undefined ? undefined : change(record)
    },
  }
}

export function limit(stream: RequestStream, count: number): RequestStream {
  let left = count
  return { next: () => (left-- > 0 ? stream.next() : undefined) }
}

/**
 * In order of arrival; of equal arrivals the earlier stream in the list comes first. Ids must differ
 * between streams; see `withIdPrefix`.
 */
export function mergeByArrival(streams: readonly RequestStream[]): RequestStream {
  const heads = streams.map((stream) => stream.next())
  return {
    next() {
      let first = -1
      for (let i = 0; i < heads.length; i++) {
        const arrivalUs = heads[i]?.arrivalUs
        if (arrivalUs !== undefined && arrivalUs < (heads[first]?.arrivalUs ?? Infinity)) first = i
      }
      if (first === -1) return undefined
      const record = heads[first]
      heads[first] = streams[first]?.next()
      return record
    },
  }
}

export function withIdPrefix(stream: RequestStream, prefix: string): RequestStream {
  return mapStream(stream, (record) => ({ ...record, id: `${prefix}${record.id}` }))
}

/** `factor` times as many requests per second; the time from an arrival to its deadline stays. */
export function scaleRate(stream: RequestStream, factor: number): RequestStream {
  invariant(factor > 0 && factor < Infinity, () => `rate factor ${factor} is not above 0`)
  return mapStream(stream, (record) => {
    const arrivalUs = Math.round(record.arrivalUs / factor)
    return { ...record, arrivalUs, deadlineUs: moved(record.deadlineUs, arrivalUs - record.arrivalUs) }
  })
}

/**
 * The records `times` times, one after the other, in memory for one copy. A repetition lasts until the last
 * arrival and one mean gap more, unless `periodUs` says otherwise. Each repetition has new ids, sessions
 * and prefix blocks: the same text again would be one large cache hit. With `samePrefixes` the blocks stay.
 */
export function repeatEndToEnd(
  records: readonly RequestRecord[],
  times: number,
  options: { readonly periodUs?: Micros | undefined; readonly samePrefixes?: boolean | undefined } = {},
): RequestStream {
  const periodUs = options.periodUs ?? repetitionUs(records.map(({ arrivalUs }) => arrivalUs))
  const spanUs = (records.at(-1)?.arrivalUs ?? 0) - (records[0]?.arrivalUs ?? 0)
  invariant(periodUs >= spanUs, () => `a period of ${periodUs} us is shorter than the records' ${spanUs} us`)
  const blockStep = options.samePrefixes === true ? 0 : largestBlock(records) + 1
  let at = 0
  let round = 0
  return {
    next() {
      if (at === records.length) {
        at = 0
        round++
      }
      const record = records[at++]
      if (record === undefined || round >= times) return undefined
      return round === 0
        ? record
        : repeated(record, { round, shiftUs: round * periodUs, blockShift: round * blockStep })
    },
  }
}

/** A stream that shortens requests and counts how many it had to. */
export interface ClippedStream extends RequestStream {
  readonly clipped: number
}

/**
 * Shortens requests to `maxTotalTokens` of prompt and output together, the prompt first to leave at least
 * one token of output, then the output. Only whole prefix blocks of a shortened prompt are kept: the block
 * that the cut goes through is no longer the same block.
 */
export function clipLength(
  stream: RequestStream,
  { maxTotalTokens }: { maxTotalTokens: number },
): ClippedStream {
  invariant(maxTotalTokens >= 2, () => `${maxTotalTokens} tokens leave no room for a prompt and an output`)
  let clipped = 0
  return {
    get clipped() {
      return clipped
    },
    next() {
      const record = stream.next()
      if (record === undefined || record.promptTokens + record.outputTokens <= maxTotalTokens) return record
      clipped++
      const promptTokens = Math.min(record.promptTokens, maxTotalTokens - 1)
      const outputTokens = Math.min(record.outputTokens, maxTotalTokens - promptTokens)
      return { ...record, promptTokens, outputTokens, prefixBlocks: wholeBlocks(record, promptTokens) }
    },
  }
}

/**
 * Sorts records read with `outOfOrder: 'keep'`, equal arrivals in their order, and lets none arrive before
 * 0.
 */
export function sortByArrival(records: readonly RequestRecord[]): readonly RequestRecord[] {
  const sorted = records.toSorted((a, b) => a.arrivalUs - b.arrivalUs)
  const earliestUs = sorted[0]?.arrivalUs ?? 0
  return earliestUs >= 0 ? sorted : sorted.map((record) => shifted(record, -earliestUs))
}

function wholeBlocks(record: RequestRecord, promptTokens: number): readonly number[] | undefined {
  if (record.prefixBlocks === undefined || promptTokens === record.promptTokens) return record.prefixBlocks
  return record.prefixBlocks.slice(0, Math.floor(promptTokens / record.prefixBlockTokens))
}

function repeated(
  record: RequestRecord,
  by: { round: number; shiftUs: Micros; blockShift: number },
): RequestRecord {
  const { session, prefixBlocks } = record
  return {
    ...shifted(record, by.shiftUs),
    id: `${record.id}#${by.round}`,
    session: session === undefined ? undefined : `${session}#${by.round}`,
    prefixBlocks: prefixBlocks?.map((block) => block + by.blockShift),
  }
}

function shifted(record: RequestRecord, byUs: Micros): RequestRecord {
  return { ...record, arrivalUs: record.arrivalUs + byUs, deadlineUs: moved(record.deadlineUs, byUs) }
}

function moved(timeUs: Micros | undefined, byUs: Micros): Micros | undefined {
  return timeUs === undefined ? undefined : timeUs + byUs
}

function largestBlock(records: readonly RequestRecord[]): number {
  let largest = -1
  for (const { prefixBlocks } of records)
    for (const block of prefixBlocks ?? []) if (block > largest) largest = block
  return largest
}
