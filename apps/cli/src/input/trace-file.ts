import { OperationalError, readTextChunks } from '@kvasir/event-log'
import { invariant, type Micros } from '@kvasir/kernel'
import type { ModelTraffic } from '@kvasir/simulation'
import {
  createTraceReader,
  describeProblem,
  type ReadBatch,
  type ReadCounts,
  type RequestRecord,
  type RequestStream,
  TRACE_FORMATS,
  isTraceFormat,
  type TraceFormat,
} from '@kvasir/workload'
import { BadInput } from '../bad-input.js'

export interface TraceFileOptions {
  readonly path: string
  readonly format: TraceFormat | undefined
  readonly skipBadLines: boolean
  /** Requests read at most. */
  readonly limit: number | undefined
}

/** What one pass over a trace tells. */
export interface TraceFacts {
  readonly format: string
  readonly requests: number
  /** By model name, in order of appearance; the key is undefined for requests that name none. */
  readonly models: ReadonlyMap<string | undefined, ModelTraffic>
  readonly firstArrivalUs: Micros
  readonly lastArrivalUs: Micros
  /** Largest id of a shared prefix block; -1 when there is none. */
  readonly largestBlock: number
  readonly counts: ReadCounts
}

/** @throws {BadInput} for a name that is no format. */
export function traceFormat(name: string | undefined, path: string): TraceFormat | undefined {
  if (name === undefined || isTraceFormat(name)) return name
  throw new BadInput(`${path} is "${name}"; it must be one of ${TRACE_FORMATS.join(', ')}`)
}

/** Reads a trace once, in constant memory, so that every line is known to be good before anything is run. */
export async function scanTrace(options: TraceFileOptions): Promise<TraceFacts> {
  const models = new Map<
    string | undefined,
    { requests: number; promptTokens: number; outputTokens: number }
  >()
  let requests = 0
  let firstArrivalUs = 0
  let lastArrivalUs = 0
  let largestBlock = -1
  const file = new TracePass(options)
  for await (const batch of file.batches()) {
    for (const record of batch) {
      if (requests++ === 0) firstArrivalUs = record.arrivalUs
      lastArrivalUs = record.arrivalUs
      for (const block of record.prefixBlocks ?? []) if (block > largestBlock) largestBlock = block
      const tokens = models.get(record.model)
      if (tokens === undefined) {
        const { promptTokens, outputTokens } = record
        models.set(record.model, { requests: 1, promptTokens, outputTokens })
      } else {
        tokens.requests++
        tokens.promptTokens += record.promptTokens
        tokens.outputTokens += record.outputTokens
      }
    }
  }
  if (requests === 0) throw new BadInput(`${options.path}: holds no requests`)
  const { format, counts } = file
  return { format, requests, models, firstArrivalUs, lastArrivalUs, largestBlock, counts }
}

/** A whole trace in memory, its format recognised. */
export async function readTraceRecords(path: string): Promise<readonly RequestRecord[]> {
  const records: RequestRecord[] = []
  const pass = new TracePass({ path, format: undefined, skipBadLines: false, limit: undefined })
  for await (const batch of pass.batches()) for (const record of batch) records.push(record)
  return records
}

/** One reading of a file. */
class TracePass {
  readonly #options: TraceFileOptions
  readonly #reader

  constructor(options: TraceFileOptions) {
    this.#options = options
    this.#reader = createTraceReader({ format: options.format, skipBadLines: options.skipBadLines })
  }

  get format(): string {
    return this.#reader.format ?? ''
  }

  get counts(): ReadCounts {
    return this.#reader.counts
  }

  async *batches(): AsyncGenerator<readonly RequestRecord[], void, undefined> {
    let left = this.#options.limit ?? Infinity
    for await (const batch of this.#all()) {
      yield batch.length > left ? batch.slice(0, left) : batch
      left -= batch.length
      if (left <= 0) return
    }
  }

  async *#all(): AsyncGenerator<readonly RequestRecord[], void, undefined> {
    const { path } = this.#options
    try {
      for await (const text of readTextChunks(path)) yield this.#rows(this.#reader.push(text))
    } catch (error) {
      throw error instanceof OperationalError ? new BadInput(error.message) : error
    }
    yield this.#rows(this.#reader.end())
  }

  #rows(batch: ReadBatch<RequestRecord>): readonly RequestRecord[] {
    if (batch.kind === 'failed')
      throw new BadInput(`${this.#options.path}: ${describeProblem(batch.problem)}`)
    return batch.rows
  }
}

/**
 * A trace file as a stream that can be pulled without waiting, played `repeat` times end to end. Whoever pulls sees
 * to it that enough is buffered: `fill` reads ahead, `next` only takes.
 */
export class TraceFileStream implements RequestStream {
  readonly #options: TraceFileOptions
  readonly #facts: TraceFacts
  readonly #repeat: number
  #batches: AsyncGenerator<readonly RequestRecord[], void, undefined>
  #round = 0
  #buffer: RequestRecord[] = []
  #taken = 0
  #ended = false

  constructor(options: TraceFileOptions, facts: TraceFacts, repeat: number) {
    this.#options = options
    this.#facts = facts
    this.#repeat = repeat
    this.#batches = new TracePass(options).batches()
  }

  /** Reads on until `count` requests are buffered or there are no more. */
  async fill(count: number): Promise<void> {
    if (this.#taken > 0) {
      this.#buffer = this.#buffer.slice(this.#taken)
      this.#taken = 0
    }
    while (!this.#ended && this.#buffer.length < count) {
      const batch = await this.#batches.next()
      if (batch.done === true) this.#nextRound()
      else
        for (const record of batch.value) this.#buffer.push(this.#round === 0 ? record : this.#again(record))
    }
  }

  next(): RequestRecord | undefined {
    if (this.#taken < this.#buffer.length) return this.#buffer[this.#taken++]
    invariant(this.#ended, () => `${this.#options.path}: more requests were pulled than had been read ahead`)
    return undefined
  }

  #nextRound(): void {
    this.#round++
    this.#ended = this.#round >= this.#repeat
    if (!this.#ended) this.#batches = new TracePass(this.#options).batches()
  }

  /** Other ids, sessions and prefixes in each round: the same text again would be one large cache hit. */
  #again(record: RequestRecord): RequestRecord {
    const { firstArrivalUs, lastArrivalUs, requests, largestBlock } = this.#facts
    const spanUs = lastArrivalUs - firstArrivalUs
    // One mean gap more than the span, so that the rate stays what it was across the seam.
    const shiftUs = this.#round * (spanUs + Math.round(spanUs / Math.max(1, requests - 1)))
    const { session, deadlineUs, prefixBlocks } = record
    return {
      ...record,
      id: `${record.id}#${this.#round}`,
      arrivalUs: record.arrivalUs + shiftUs,
      deadlineUs: deadlineUs === undefined ? undefined : deadlineUs + shiftUs,
      session: session === undefined ? undefined : `${session}#${this.#round}`,
      prefixBlocks: prefixBlocks?.map((block) => block + this.#round * (largestBlock + 1)),
    }
  }
}
