import { readFileSync, writeFileSync } from 'node:fs'
import { BadInput } from '../bad-input.js'
import { accuracyMarkdown } from './accuracy-text.js'
import type { SetReport } from './serving-accuracy.js'

const BEGIN = '<!-- serving -->'
const END = '<!-- /serving -->'

/** Replaces what stands between the marks of a document by the table. @throws {BadInput} when it has no marks. */
export function writeServingTable(path: string, reports: readonly SetReport[]): void {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new BadInput(`--markdown ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin === -1 || end < begin)
    throw new BadInput(`--markdown ${path}: it has no lines ${BEGIN} and ${END}; the table goes between them`)
  const table = accuracyMarkdown(reports)
  writeFileSync(path, `${text.slice(0, begin + BEGIN.length)}\n${table}\n${text.slice(end)}`)
}
