/** What is wrong with one line. The caller knows the file's name and puts it in front. */
export interface LineProblem {
  readonly reason: 'bad_value' | 'missing_field' | 'bad_line' | 'out_of_order' | 'unknown_format'
  /** Counted from 1, blank lines and the header included. */
  readonly line: number
  /** Name as in the file; undefined when the line as a whole is wrong. */
  readonly field: string | undefined
  /** As in the file, shortened; undefined when there is none. */
  readonly value: string | undefined
  /** What would be right, so that "is not <expected>" is a sentence. */
  readonly expected: string
}

const LONGEST_VALUE_CHARS = 80

/** One stable English sentence: `line 17: field prompt_tokens: "abc" is not a whole number of at least 1`. */
export function describeProblem(problem: LineProblem): string {
  const { line, field, value, expected } = problem
  const place = field === undefined ? `line ${line}` : `line ${line}: field ${field}`
  return value === undefined
    ? `${place} is missing; it should be ${expected}`
    : `${place}: "${value}" is not ${expected}`
}

export function badValue(line: number, field: string, value: string, expected: string): LineProblem {
  return { reason: 'bad_value', line, field, value: shorten(value), expected }
}

export function missingField(line: number, field: string, expected: string): LineProblem {
  return { reason: 'missing_field', line, field, value: undefined, expected }
}

export function badLine(line: number, value: string, expected: string): LineProblem {
  return { reason: 'bad_line', line, field: undefined, value: shorten(value), expected }
}

export function unknownFormat(line: number, value: string, expected: string): LineProblem {
  return { reason: 'unknown_format', line, field: undefined, value: shorten(value), expected }
}

/** `previousUs` is the arrival of the row before, in trace time. */
export function outOfOrder(line: number, field: string, value: string, previousUs: number): LineProblem {
  const expected =
    `at or after the previous arrival at ${previousUs / 1_000_000} s` +
    ' (sort the trace by time, or have it sorted or clamped on reading)'
  return { reason: 'out_of_order', line, field, value: shorten(value), expected }
}

function shorten(value: string): string {
  return value.length <= LONGEST_VALUE_CHARS ? value : `${value.slice(0, LONGEST_VALUE_CHARS)}...`
}
