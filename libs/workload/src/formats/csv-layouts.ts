import type { TraceFormat } from './format-names.js'

/** How the columns of one CSV format map to a request. Names are matched without regard to case. */
export interface CsvLayout {
  readonly format: TraceFormat
  readonly arrival: { readonly column: string; readonly unit: 'date_time' | 'seconds' }
  readonly promptTokens: string
  readonly outputTokens: string
  readonly model?: string
  readonly tenant?: string
  /** May be absent from the header, and empty in a row. */
  readonly session?: string
  /**
   * What a prompt or output of zero tokens means. `raise`: a request that was served, counted as one token,
   * because leaving it out would lower the arrival rate. `leave_out`: a request that failed.
   */
  readonly zeroTokens: 'raise' | 'leave_out'
  /** The trace's clock has a zero of its own, so the first row becomes the start. */
  readonly rebase: boolean
}

/**
 * Azure/AzurePublicDataset, AzureLLMInferenceTrace_{code,conv}.csv (2023) and
 * AzureLLMInferenceTrace_{code,conv}_1week.csv (2024). The two differ in the zone suffix of their
 * timestamps only.
 */
const AZURE = {
  arrival: { column: 'TIMESTAMP', unit: 'date_time' },
  promptTokens: 'ContextTokens',
  outputTokens: 'GeneratedTokens',
  zeroTokens: 'raise',
  rebase: true,
} as const

/**
 * HPMLL/BurstGPT, BurstGPT_1.csv; newer files add `Session ID` and `Elapsed time` (of no use here).
 * Timestamps are seconds since midnight of the first day. Rows without response tokens are failures, says
 * its README ("some failure that Response tokens are 0s").
 */
const BURSTGPT = {
  format: 'burstgpt',
  arrival: { column: 'Timestamp', unit: 'seconds' },
  promptTokens: 'Request tokens',
  outputTokens: 'Response tokens',
  model: 'Model',
  session: 'Session ID',
  zeroTokens: 'leave_out',
  rebase: true,
} as const satisfies CsvLayout

/** The columns of shared/data/traces/README.md, which every normalised trace has. */
const NORMALISED = {
  format: 'normalised',
  arrival: { column: 't_s', unit: 'seconds' },
  promptTokens: 'prompt_tokens',
  outputTokens: 'output_tokens',
  zeroTokens: 'raise',
  rebase: false,
} as const satisfies CsvLayout

/** From the most to the least demanding, so that the first whose columns are all there is the right one. */
export const CSV_LAYOUTS: readonly CsvLayout[] = [
  { ...NORMALISED, format: 'servegen', model: 'model', tenant: 'client' },
  { ...NORMALISED, format: 'arena', model: 'model' },
  NORMALISED,
  BURSTGPT,
  { ...AZURE, format: 'azure-2024' },
  { ...AZURE, format: 'azure-2023' },
]

/** Columns without which a file is not of this layout. */
export function requiredColumns(layout: CsvLayout): readonly string[] {
  const columns = [
    layout.arrival.column,
    layout.promptTokens,
    layout.outputTokens,
    layout.model,
    layout.tenant,
  ]
  return columns.filter((column) => column !== undefined)
}

/** Header cells as they are compared. */
export function headerCells(line: string): readonly string[] {
  return line.split(',').map((cell) =>
    cell
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .toLowerCase(),
  )
}

export function hasColumns(cells: readonly string[], columns: readonly string[]): boolean {
  return columns.every((column) => cells.includes(column.toLowerCase()))
}
