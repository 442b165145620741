import type { DonorsDecisionRecord, RoundDecisionRecord } from '@kvasir/contracts'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { renderTable } from '@kvasir/report'
import type { Imagined } from './imagine.js'

/** Before and after as a table, for people. */
export function imaginedText(imagined: Imagined): string {
  return imagined.kind === 'round'
    ? roundText(imagined.before, imagined.after)
    : choiceText(imagined.before, imagined.after)
}

function roundText(before: RoundDecisionRecord, after: RoundDecisionRecord): string {
  const rows = before.engines.map((row, i) => {
    const [was, is] = [before.answer.shares[i], after.answer.shares[i]]
    return [
      row[0],
      count(was[0]),
      count(is[0]),
      gain(is[0] - was[0]),
      was[3],
      is[3],
      change(count(was[1]), count(is[1])),
      change(count(was[4]), count(is[4])),
    ]
  })
  const table = renderTable({
    header: ['engine', 'tokens', 'then', '', 'bound by', 'then', 'lent', 'entitled bundles'],
    align: ['left', 'right', 'right', 'right', 'left', 'left', 'right', 'right'],
    rows,
  })
  const level = change(levelText(before), levelText(after))
  const conditions = change(before.answer.conditions.join(', '), after.answer.conditions.join(', '))
  return [
    `round ${before.round} of pool ${before.pool}, at ${seconds(before.atUs)}: capacity ${change(count(before.answer.capacity), count(after.answer.capacity))}, λ ${level}${conditions === '' ? '' : `, ${conditions}`}`,
    table.trimEnd(),
  ].join('\n')
}

function choiceText(before: DonorsDecisionRecord, after: DonorsDecisionRecord): string {
  const facts = (record: DonorsDecisionRecord): readonly (readonly [string, string])[] => {
    const { answer } = record
    return [
      ['outcome', answer.outcome === 'denied' ? `denied: ${answer.reason}` : answer.outcome],
      ['granted', count(answer.granted)],
      ['from free', count(answer.fromFree)],
      ['cost', `${(answer.costUs / 1000).toFixed(1)} ms`],
      ['donors', answer.donors.map((row) => `${row[0]} ${row[1]} (${row[3]})`).join(', ') || '-'],
    ]
  }
  const [was, is] = [facts(before), facts(after)]
  const table = renderTable({
    header: ['', 'before', 'then'],
    align: ['left', 'left', 'left'],
    rows: was.map(([name, value], i) => [name, value, is[i][1]]),
  })
  return [
    `${before.request.id} in pool ${before.pool}, at ${seconds(before.atUs)}`,
    table.trimEnd(),
    `before: ${before.answer.explanation}`,
    `then:   ${after.answer.explanation}`,
    `        ${after.answer.counterfactual.text}`,
  ].join('\n')
}

function levelText({ answer }: RoundDecisionRecord): string {
  return answer.level === null ? 'none' : answer.level.toFixed(1)
}

function change(before: string, after: string): string {
  return before === after ? before : `${before} → ${after}`
}

function gain(value: number): string {
  return value === 0 ? '' : `${value > 0 ? '+' : '−'}${count(Math.abs(value))}`
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function seconds(micros: number): string {
  return `${(micros / MICROS_PER_SECOND).toFixed(3)} s`
}
