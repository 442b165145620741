import { hash } from 'node:crypto'
import type { DecisionLogHeader, DecisionLogRecord } from '@kvasir/contracts'

/** The first line of a decision log, without its end. */
export function headerText(header: DecisionLogHeader): string {
  return JSON.stringify(header)
}

/** What the first record's `prev` is. */
export function headerHash(text: string): string {
  return sha256(text)
}

/** The hash of a record whose predecessor has the hash `prev`. @param body the record's JSON text. */
export function recordHash(prev: string, body: string): string {
  return sha256(prev + body)
}

/** One line of a decision log, without its end, and its hash. */
export function recordLine(
  seq: number,
  prev: string,
  record: DecisionLogRecord,
): { readonly text: string; readonly hash: string } {
  const body = JSON.stringify(record)
  const own = recordHash(prev, body)
  return { text: `{"seq":${seq},"prev":"${prev}","hash":"${own}","record":${body}}`, hash: own }
}

function sha256(text: string): string {
  return hash('sha256', text)
}
