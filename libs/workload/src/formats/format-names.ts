/** Formats that have an arrival time in every record. */
export const TRACE_FORMATS = [
  'azure-2023',
  'azure-2024',
  'normalised',
  'burstgpt',
  'servegen',
  'arena',
  'mooncake',
  'llmsched',
  'kvasir',
] as const

export type TraceFormat = (typeof TRACE_FORMATS)[number]

/** `lengths`: prompt and output lengths alone. `rates`: request rates over time per model. */
export type DataFormat = TraceFormat | 'lengths' | 'rates'

export const LENGTH_COLUMNS = ['prompt_tokens', 'output_tokens'] as const
export const RATE_COLUMNS = ['model', 't_s', 'rate_rps'] as const

/** What a refusal to recognise a trace says after "is not". */
export const EXPECTED_TRACE = `the header or first record of a known trace format (${TRACE_FORMATS.join(', ')})`

export function isTraceFormat(name: string): name is TraceFormat {
  return TRACE_FORMATS.some((format) => format === name)
}
