import { type LengthPair, MAX_TOKENS } from '../request.js'
import { readWhole } from './decimal.js'
import { LENGTH_COLUMNS } from './format-names.js'
import { PushReader, refuseFormat } from './push-reader.js'
import { sniffFormat } from './sniff.js'
import { type TableCells, TableParser } from './table-parser.js'

const EXPECTED = `a whole number of 1 to ${MAX_TOKENS}`

/**
 * Reads pairs of lengths for an empirical distribution: from `prompt_tokens,output_tokens`, or from any
 * normalised CSV trace.
 */
export function createLengthReader(
  options: { skipBadLines?: boolean | undefined } = {},
): PushReader<LengthPair> {
  return new PushReader({ skipBadLines: options.skipBadLines ?? false }, (head) => {
    const format = sniffFormat(head)
    if (format !== 'lengths' && format !== 'normalised' && format !== 'arena' && format !== 'servegen')
      return refuseFormat(head, `a header with the columns ${LENGTH_COLUMNS.join(' and ')}`)
    return { kind: 'opened', format, parser: new TableParser(LENGTH_COLUMNS, toPair) }
  })
}

function toPair(cells: TableCells): LengthPair {
  return {
    promptTokens: cells.number('prompt_tokens', readTokens, EXPECTED),
    outputTokens: cells.number('output_tokens', readTokens, EXPECTED),
  }
}

function readTokens(text: string): number {
  const tokens = readWhole(text, 0, text.length)
  return tokens >= 1 && tokens <= MAX_TOKENS ? tokens : Number.NaN
}
