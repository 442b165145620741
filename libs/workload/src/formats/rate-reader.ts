import type { Micros } from '@kvasir/kernel'
import { DECIMALS_OF_SECONDS, readScaled, readSlowly } from './decimal.js'
import { RATE_COLUMNS } from './format-names.js'
import { PushReader, refuseFormat } from './push-reader.js'
import { sniffFormat } from './sniff.js'
import { type TableCells, TableParser } from './table-parser.js'

/** Request rate of one model over the window that begins at `atUs`. */
export interface RateSample {
  readonly model: string
  readonly atUs: Micros
  readonly ratePerS: number
}

/** Reads rate curves over time: servegen_rates_10min.csv, of whose columns `model,t_s,rate_rps` are used. */
export function createRateReader(
  options: { skipBadLines?: boolean | undefined } = {},
): PushReader<RateSample> {
  return new PushReader({ skipBadLines: options.skipBadLines ?? false }, (head) => {
    if (sniffFormat(head) !== 'rates')
      return refuseFormat(head, `a header with the columns ${RATE_COLUMNS.join(', ')}`)
    return { kind: 'opened', format: 'rates', parser: new TableParser(RATE_COLUMNS, toSample) }
  })
}

function toSample(cells: TableCells): RateSample {
  return {
    model: cells.text('model', 'a model name'),
    atUs: cells.number('t_s', readMicros, 'a number of seconds of at least 0'),
    ratePerS: cells.number('rate_rps', readRate, 'a number of requests per second of at least 0'),
  }
}

function readMicros(text: string): number {
  const micros = readScaled(text, 0, text.length, DECIMALS_OF_SECONDS)
  return micros >= 0 ? micros : Number.NaN
}

function readRate(text: string): number {
  const rate = readSlowly(text, 0, text.length)
  return rate >= 0 ? rate : Number.NaN
}
