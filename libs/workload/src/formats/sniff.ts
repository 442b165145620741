import { CSV_LAYOUTS, hasColumns, headerCells, requiredColumns } from './csv-layouts.js'
import { parseObject } from './json-fields.js'
import { type DataFormat, LENGTH_COLUMNS, RATE_COLUMNS } from './format-names.js'
import { isKvasirHeader } from './kvasir-requests.js'
import { firstLines } from './push-reader.js'

/**
 * The format of a file that begins with `firstText`, or undefined. Needs the first line, and the second to
 * tell the Azure traces of 2023 (no zone in the timestamp) from those of 2024.
 */
export function sniffFormat(firstText: string): DataFormat | undefined {
  const [first, second] = firstLines(firstText, 2)
  if (first === undefined) return undefined
  return first.trimStart().startsWith('{') ? sniffJson(first) : sniffCsv(first, second)
}

function sniffCsv(header: string, firstRow: string | undefined): DataFormat | undefined {
  const cells = headerCells(header)
  const layout = CSV_LAYOUTS.find((candidate) => hasColumns(cells, requiredColumns(candidate)))
  if (layout?.arrival.unit === 'date_time') return hasZone(firstRow) ? 'azure-2024' : 'azure-2023'
  if (layout !== undefined) return layout.format
  if (hasColumns(cells, RATE_COLUMNS)) return 'rates'
  return hasColumns(cells, LENGTH_COLUMNS) ? 'lengths' : undefined
}

function hasZone(row: string | undefined): boolean {
  return row !== undefined && /^"?\d{4}-\d\d-\d\d[ T][\d:.]+(?:Z|[+-]\d\d)/.test(row)
}

function sniffJson(line: string): DataFormat | undefined {
  const object = parseObject(line)
  if (object === undefined) return undefined
  const has = (...names: readonly string[]) => names.every((name) => name in object)
  if (isKvasirHeader(object) || has('arrival_us', 'output_tokens')) return 'kvasir'
  if (has('hash_ids') || has('timestamp', 'input_length') || has('t_ms', 'prompt_tokens')) return 'mooncake'
  return has('max_new_tokens') ? 'llmsched' : undefined
}
