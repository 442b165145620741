import {
  type DecisionLogHeader,
  type DecisionLogRecord,
  decisionLogHeaderSchema,
  decisionLogLineSchema,
  parseDocument,
} from '@kvasir/contracts'
import { headerHash, recordHash } from './decision-chain.js'
import { OperationalError } from './operational-error.js'
import { readTextChunks } from './read-text-chunks.js'

/** A member of a line that is not what the lines before it and its own record make it. */
export interface ChainBreak {
  readonly field: 'seq' | 'prev' | 'hash'
  readonly expected: string | number
  readonly actual: string | number
}

export type DecisionLogEntry =
  | { readonly kind: 'header'; readonly header: DecisionLogHeader; readonly text: string }
  | {
      readonly kind: 'record'
      /** Of the file, from 1. */
      readonly line: number
      readonly seq: number
      readonly hash: string
      readonly text: string
      readonly record: DecisionLogRecord
      readonly broken: ChainBreak | undefined
    }
  /** A line that says nothing, or the place where the file ends too early. */
  | { readonly kind: 'damaged'; readonly line: number; readonly problem: string }

/**
 * The lines of a decision log, plain or packed, each checked: its shape, its number, and its place in the chain of hashes. A
 * broken line is told and reading goes on, so that what comes after it can still be judged.
 * @throws {OperationalError} when the file cannot be read, or is no decision log of this version (`wrong_format`).
 */
export async function* readDecisionLog(path: string): AsyncGenerator<DecisionLogEntry, void, undefined> {
  let line = 0
  let before = { seq: 0, hash: '' }
  for await (const { text, trouble } of linesOf(path)) {
    line++
    if (line === 1) {
      if (trouble !== undefined) throw trouble
      yield { kind: 'header', header: headerOf(path, text), text }
      before = { seq: 0, hash: headerHash(text) }
      continue
    }
    if (trouble !== undefined) {
      yield { kind: 'damaged', line, problem: `it is torn: ${trouble.message}` }
      return
    }
    const entry = entryOf(line, text, before)
    yield entry
    // After a line that says nothing, the next one is taken at its word.
    before = entry.kind === 'record' ? entry : { seq: before.seq + 1, hash: '' }
  }
}

function entryOf(
  line: number,
  text: string,
  before: { readonly seq: number; readonly hash: string },
): Exclude<DecisionLogEntry, { kind: 'header' }> {
  const parsed = parseDocument(decisionLogLineSchema, jsonOf(text))
  if (parsed.kind === 'refused') return { kind: 'damaged', line, problem: parsed.problems[0] }
  const { seq, prev, hash, record } = parsed.value
  const broken = breakOf({ seq, prev, hash, body: bodyOf(text) }, before)
  return { kind: 'record', line, seq, hash, text, record, broken }
}

function breakOf(
  { seq, prev, hash, body }: Record<'prev' | 'hash' | 'body', string> & { readonly seq: number },
  before: { readonly seq: number; readonly hash: string },
): ChainBreak | undefined {
  if (seq !== before.seq + 1) return { field: 'seq', expected: before.seq + 1, actual: seq }
  if (before.hash !== '' && prev !== before.hash)
    return { field: 'prev', expected: before.hash, actual: prev }
  const expected = recordHash(prev, body)
  return hash === expected ? undefined : { field: 'hash', expected, actual: hash }
}

/** The record's own text: what comes after the hash, without the brace that ends the line. */
function bodyOf(text: string): string {
  const start = text.indexOf('"record":')
  return text.slice(start + '"record":'.length, -1)
}

function headerOf(path: string, text: string): DecisionLogHeader {
  const parsed = parseDocument(decisionLogHeaderSchema, jsonOf(text))
  if (parsed.kind === 'parsed') return parsed.value
  throw new OperationalError('wrong_format', `${path} is no decision log: in line 1 ${parsed.problems[0]}`)
}

/** Undefined for what is no JSON: no schema takes it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Lines without their ends; what keeps the last one from being whole comes with it. */
async function* linesOf(
  path: string,
): AsyncGenerator<{ readonly text: string; readonly trouble?: OperationalError }, void, undefined> {
  let rest = ''
  let lines = 0
  try {
    for await (const chunk of readTextChunks(path)) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const text of parts) {
        lines++
        yield { text }
      }
    }
  } catch (error) {
    // Before the first line there is nothing to judge.
    if (!(error instanceof OperationalError) || lines === 0) throw error
    yield { text: rest, trouble: error }
    return
  }
  if (rest !== '')
    yield { text: rest, trouble: new OperationalError('truncated', `${path} ends within a line`) }
  if (lines === 0 && rest === '') throw new OperationalError('wrong_format', `${path} is empty`)
}
