import { nearest } from './problems.js'
import { summarySchema } from './summary.js'

/** Columns of the table of runs beside those of factors. */
const COLUMNS: readonly string[] = ['run', 'seed', 'repetition', ...Object.keys(summarySchema.shape)]
/** A summary's texts are no columns. */
const TEXTS: readonly string[] = ['policy', 'scenario']

/** Names of columns are no names of factors. */
export function reservedName(where: string, name: string): string[] {
  if (!COLUMNS.includes(name) || TEXTS.includes(name)) return []
  return [
    `${where} is "${name}", a column of the results already; it must be another name (path says what is set)`,
  ]
}

/** A sentence for each name that was there before. */
export function repeated(where: string, field: string | undefined, names: readonly string[]): string[] {
  return names.flatMap((name, i) => {
    const first = names.indexOf(name)
    const at = (index: number) => `${where}[${index}]${field === undefined ? '' : `.${field}`}`
    return first === i ? [] : [`${at(i)} is "${name}", as ${at(first)} is; it must be a name of its own`]
  })
}

/** A sentence when `value` is none of the names. */
export function known(where: string, value: string, names: readonly string[]): string[] {
  if (names.includes(value)) return []
  const near = nearest(value, names)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return [
    `${where} is "${value}"${hint}${hint === '' ? '; ' : ' '}it must be one of ${names.join(', ') || '(there are none)'}`,
  ]
}
