import { decisionColumns } from '@kvasir/contracts'
import type { Imagined } from './imagine.js'

/** Before and after for programs: rows have names. */
export function imaginedJson(imagined: Imagined): unknown {
  const { kind } = imagined
  const { pool, atUs } = imagined.before
  if (imagined.kind === 'round') {
    const { before, after } = imagined
    const { round } = before
    return { kind, pool, atUs, round, before: sharesOf(before), after: sharesOf(after) }
  }
  const { before, after } = imagined
  return { kind, pool, atUs, request: before.request.id, before: answerOf(before), after: answerOf(after) }
}

function sharesOf({ engines, answer }: Extract<Imagined, { kind: 'round' }>['before']): unknown {
  const { shares, ...rest } = answer
  return {
    ...rest,
    engines: engines.map((row, i) => ({
      engine: row[0],
      model: row[1],
      ...named(decisionColumns.shares, shares[i]),
    })),
  }
}

function answerOf({ answer }: Extract<Imagined, { kind: 'donors' }>['before']): unknown {
  return { ...answer, donors: answer.donors.map((row) => named(decisionColumns.donors, row)) }
}

function named(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, i) => [column, row[i]]))
}
