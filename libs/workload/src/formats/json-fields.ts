import { MAX_TOKENS } from '../request.js'
import { badValue, type LineProblem, missingField } from './problem.js'

export type JsonObject = { readonly [key: string]: unknown }

/** The object that `text` is, or undefined for anything else. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads the fields of one object and remembers the first thing that is wrong, so that callers ask once at
 * the end.
 */
export class JsonFields {
  problem: LineProblem | undefined
  #object: JsonObject
  #line: number

  constructor(object: JsonObject, line: number) {
    this.#object = object
    this.#line = line
  }

  has(name: string): boolean {
    const value = this.#object[name]
    return value !== undefined && value !== null
  }

  raw(name: string): unknown {
    return this.#object[name]
  }

  /** The first of these names that is there, else the first. */
  firstOf(names: readonly string[]): string {
    return names.find((name) => this.has(name)) ?? names[0] ?? ''
  }

  /** A token count; at least `least`. */
  tokens(name: string, least: 0 | 1 = 1): number {
    const expected = 'a whole number of at least 1'
    const value = this.#number(name, expected)
    if (value === undefined) return Number.NaN
    if (Number.isInteger(value) && value >= least && value <= MAX_TOKENS) return value
    this.refuse(name, value > MAX_TOKENS ? `a whole number of at most ${MAX_TOKENS}` : expected)
    return Number.NaN
  }

  /** A time of `microsPerUnit` a unit, in whole microseconds. */
  time(name: string, unit: { name: string; micros: number }): number {
    const expected = `a number of ${unit.name} of at least 0`
    const value = this.#number(name, expected)
    if (value === undefined) return Number.NaN
    const micros = Math.round(value * unit.micros)
    if (micros >= 0 && micros <= Number.MAX_SAFE_INTEGER) return micros
    this.refuse(name, expected)
    return Number.NaN
  }

  number(name: string, fallback: number): number {
    if (!this.has(name)) return fallback
    const value = this.#number(name, 'a number') ?? fallback
    if (!Number.isFinite(value)) this.refuse(name, 'a finite number')
    return value
  }

  /** Text, or a number taken as text; undefined when it is not there. */
  name(name: string): string | undefined {
    const value = this.#object[name]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number') return String(value)
    this.refuse(name, 'a name')
    return undefined
  }

  /** Prefix block ids, no more of them than `promptTokens` has blocks. */
  blocks(name: string, blockTokens: number, promptTokens: number): readonly number[] {
    const value = this.#object[name]
    const most = Math.ceil(promptTokens / blockTokens)
    if (isBlockIds(value)) {
      if (!(value.length > most)) return value
      this.refuse(name, `a list of at most ${most} ids, one for each ${blockTokens} tokens of the prompt`)
    } else if (value === undefined) this.missing(name, 'a list of block ids')
    else this.refuse(name, 'a list of block ids, each a whole number of at least 0')
    return []
  }

  missing(name: string, expected: string): void {
    this.problem ??= missingField(this.#line, name, expected)
  }

  refuse(name: string, expected: string): void {
    const value = this.#object[name]
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    this.problem ??= badValue(this.#line, name, text, expected)
  }

  /** A key outside `known` is refused: a misspelt field must not be ignored. */
  only(known: ReadonlySet<string>): void {
    for (const key of Object.keys(this.#object))
      if (!known.has(key)) this.refuse(key, `a field of a request; those are ${[...known].join(', ')}`)
  }

  #number(name: string, expected: string): number | undefined {
    const value = this.#object[name]
    if (typeof value === 'number') return value
    if (value === undefined || value === null) this.missing(name, expected)
    else this.refuse(name, typeof value === 'string' ? `${expected}, without quotes` : expected)
    return undefined
  }
}

function isBlockIds(value: unknown): value is readonly number[] {
  if (!Array.isArray(value)) return false
  for (const id of value) if (!Number.isSafeInteger(id) || id < 0) return false
  return true
}
