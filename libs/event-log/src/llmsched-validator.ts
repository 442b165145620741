import { type LlmschedEvent, llmschedEvents, llmschedIntegerFields } from './llmsched-record.js'

/** A line that the consumer's loader refuses or silently loses. */
export type LlmschedLineProblem =
  | { readonly kind: 'not_json'; readonly line: number; readonly detail: string }
  | { readonly kind: 'bad_field'; readonly line: number; readonly field: string; readonly found: string }
  | { readonly kind: 'unknown_event'; readonly line: number; readonly found: string }
  | {
      readonly kind: 'duplicate' | 'time_not_rising'
      readonly line: number
      readonly event: LlmschedEvent
      readonly request: string
      readonly tsUs: number
    }

/** A request that the consumer's validator refuses. */
export interface LlmschedRequestProblem {
  readonly kind: 'missing_enqueue' | 'completed_and_rejected' | 'no_terminal_event'
  readonly request: string
}

export type LlmschedProblem = LlmschedLineProblem | LlmschedRequestProblem

export interface LlmschedVerdict {
  readonly records: number
  readonly requests: number
  /** At most `maxProblems` of them, lines first. */
  readonly problems: readonly LlmschedProblem[]
  readonly problemCount: number
}

interface SeenRequest {
  readonly lastUs: Map<LlmschedEvent, number>
}

/**
 * Judges the lines of a trace by the rules of LLMSched's consumer: its loader (JSON objects, blank lines skipped, unknown
 * keys ignored, an unknown event is an error), its de-duplication by (time, event, request), and its validator (an `enqueue`
 * and exactly one of `complete` and `reject` for every request). Stricter than the consumer in one point: times must rise
 * within (event, request), which is what keeps its de-duplication from losing latencies.
 */
export function validateLlmschedTrace(
  lines: Iterable<string>,
  options: { readonly maxProblems?: number } = {},
): LlmschedVerdict {
  const validator = new LlmschedTraceValidator(options)
  for (const line of lines) validator.push(line)
  return validator.verdict()
}

/** The same for lines that arrive one by one. */
export class LlmschedTraceValidator {
  readonly #maxProblems: number
  readonly #requests = new Map<string, SeenRequest>()
  readonly #problems: LlmschedProblem[] = []
  #problemCount = 0
  #line = 0
  #records = 0

  constructor(options: { readonly maxProblems?: number } = {}) {
    this.#maxProblems = options.maxProblems ?? 100
  }

  push(text: string): void {
    this.#line++
    if (text.trim() === '') return
    const parsed = parseObject(text)
    if (parsed.kind === 'refused') {
      this.#report({ kind: 'not_json', line: this.#line, detail: parsed.detail })
      return
    }
    const { fields } = parsed
    for (const field of badFields(fields)) {
      this.#report({ kind: 'bad_field', line: this.#line, field, found: shown(fields.get(field)) })
    }
    const event = llmschedEvents.find((known) => known === fields.get('event'))
    if (event === undefined) {
      this.#report({ kind: 'unknown_event', line: this.#line, found: shown(fields.get('event')) })
      return
    }
    this.#records++
    this.#see(event, fields)
  }

  /** Also judges requests as a whole, so it comes after the last line. */
  verdict(): LlmschedVerdict {
    const problems = [...this.#problems]
    let problemCount = this.#problemCount
    for (const [request, { lastUs }] of this.#requests) {
      for (const kind of requestProblems(lastUs)) {
        problemCount++
        if (problems.length < this.#maxProblems) problems.push({ kind, request })
      }
    }
    return { records: this.#records, requests: this.#requests.size, problems, problemCount }
  }

  #see(event: LlmschedEvent, fields: ReadonlyMap<string, unknown>): void {
    const id = fields.get('req_id') ?? ''
    const tsUs = fields.get('ts_us')
    if (typeof id !== 'string' || typeof tsUs !== 'number') return
    const seen = this.#requests.get(id) ?? { lastUs: new Map() }
    this.#requests.set(id, seen)
    const before = seen.lastUs.get(event)
    if (before !== undefined && tsUs <= before) {
      const kind = tsUs === before ? 'duplicate' : 'time_not_rising'
      this.#report({ kind, line: this.#line, event, request: id, tsUs })
    }
    seen.lastUs.set(event, Math.max(tsUs, before ?? tsUs))
  }

  #report(problem: LlmschedProblem): void {
    this.#problemCount++
    if (this.#problems.length < this.#maxProblems) this.#problems.push(problem)
  }
}

function* requestProblems(
  seen: ReadonlyMap<LlmschedEvent, number>,
): Generator<LlmschedRequestProblem['kind']> {
  if (!seen.has('enqueue')) yield 'missing_enqueue'
  if (seen.has('complete') && seen.has('reject')) yield 'completed_and_rejected'
  if (!seen.has('complete') && !seen.has('reject')) yield 'no_terminal_event'
}

type ParsedObject =
  | { readonly kind: 'parsed'; readonly fields: ReadonlyMap<string, unknown> }
  | { readonly kind: 'refused'; readonly detail: string }

function parseObject(text: string): ParsedObject {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { kind: 'parsed', fields: new Map<string, unknown>(Object.entries(value)) }
    }
    return { kind: 'refused', detail: 'not a JSON object' }
  } catch (error) {
    return { kind: 'refused', detail: error instanceof Error ? error.message : String(error) }
  }
}

/** Fields of a type that the consumer's schema does not take; `event` is judged apart, `ts_us` alone is required besides. */
function* badFields(fields: ReadonlyMap<string, unknown>): Generator<string> {
  if (!Number.isSafeInteger(fields.get('ts_us'))) yield 'ts_us'
  for (const field of llmschedIntegerFields) {
    const value = fields.get(field)
    if (value !== undefined && value !== null && !Number.isSafeInteger(value)) yield field
  }
  if (!isAbsentOrText(fields.get('req_id'))) yield 'req_id'
  if (!isAbsentOrText(fields.get('reason') ?? undefined)) yield 'reason'
}

function isAbsentOrText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
