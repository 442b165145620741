import { z } from 'zod'

/**
 * Refusals of a document as sentences for the person who wrote it: which field, which value, and what would be
 * right. What would be right is read from the schema itself, so that a sentence cannot disagree with what is
 * accepted.
 */
export type Parsed<T> =
  | { readonly kind: 'parsed'; readonly value: T }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

type Path = readonly PropertyKey[]
/** An issue of a nested union has a path from there; `prefix` is the way to it. */
type Issue = z.core.$ZodIssue

/** Parses `document`; never throws and never returns a raw report of the schema library. */
export function parseDocument<T>(schema: z.ZodType<T>, document: unknown): Parsed<T> {
  const result = schema.safeParse(document, { reportInput: true })
  if (result.success) return { kind: 'parsed', value: result.data }
  return {
    kind: 'refused',
    problems: result.error.issues.flatMap((issue) => sentences(schema, document, issue, [])),
  }
}

function sentences(schema: z.core.$ZodType, document: unknown, issue: Issue, prefix: Path): string[] {
  const path = [...prefix, ...issue.path]
  const name = pathText(path)
  const leaf = schemaAt(schema, document, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField(path, key, valueAt(document, path), leaf))
    case 'invalid_union': {
      const branch = likeliestBranch(issue.errors)
      if (branch !== undefined) return branch.flatMap((inner) => sentences(schema, document, inner, path))
      return [`${name} ${found(valueAt(document, path))}; it must be ${expectation(leaf)}`]
    }
    case 'custom':
      return [`${name} ${found(valueAt(document, path))}; ${issue.message}`]
    default:
      return [`${name} ${found(valueAt(document, path))}; it must be ${expectation(leaf)}`]
  }
}

/** The branch of a union that the writer seems to have meant: one whose own type fits what was written, and that refuses least of it. */
function likeliestBranch(errors: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = errors.filter((issues) =>
    issues.every((issue) => issue.code !== 'invalid_type' || issue.path.length > 0),
  )
  return [...fitting].sort((a, b) => refusals(a) - refusals(b))[0]
}

function refusals(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0)
}

function unknownField(path: Path, key: string, holder: unknown, schema: z.core.$ZodType | undefined): string {
  const object = schema === undefined ? undefined : bare(schema, holder)
  const known = object instanceof z.ZodObject ? Object.keys(object.shape) : []
  const near = nearest(key, known)
  const hint = near === undefined ? '; known here' : `; did you mean ${near}? Known here`
  const value = show(valueAt(holder, [key]))
  return `${pathText([...path, key])} is not a known field (its value is ${value})${hint}: ${known.join(', ')}`
}

function found(value: unknown): string {
  if (value === undefined) return 'is missing'
  if (Array.isArray(value) && value.length === 0) return 'is empty'
  return `is ${show(value)}`
}

/** A value as it may stand in a sentence: JSON, cut at a length that still fits a line. */
function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

export function pathText(path: Path): string {
  if (path.length === 0) return 'the document'
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`))
    .join('')
}

function valueAt(document: unknown, path: Path): unknown {
  let value = document
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, part)
  }
  return value
}

/**
 * The schema that judges the value at `path`, as declared; unions on the way are resolved by what the document
 * says.
 */
function schemaAt(root: z.core.$ZodType, document: unknown, path: Path): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType | undefined = root
  let value = document
  for (const part of path) {
    schema = schema === undefined ? undefined : childOf(bare(schema, value), part)
    value = valueAt(value, [part])
  }
  return schema
}

function childOf(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(part)]
  if (schema instanceof z.ZodArray) return schema.element
  if (schema instanceof z.ZodTuple) return schema.def.items[Number(part)]
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodDiscriminatedUnion) return discriminator(schema, part)
  return undefined
}

/** The values a union's discriminator may have, when it is the discriminator that is wrong. */
function discriminator(union: z.ZodDiscriminatedUnion, part: PropertyKey): z.core.$ZodType | undefined {
  const values = union.options.flatMap((option) => {
    const field = option instanceof z.ZodObject ? option.shape[String(part)] : undefined
    return field instanceof z.ZodLiteral ? [...field.values].map(String) : []
  })
  return values.length === 0 ? undefined : z.enum(values)
}

/** Takes off what only says optional, readonly or default, and chooses the option of a union that `value` names. */
function bare(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  ) {
    return bare(schema.unwrap(), value)
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const key = schema.def.discriminator
    const named = valueAt(value, [key])
    const fits = (field: unknown) =>
      field instanceof z.ZodLiteral && [...field.values].includes(String(named))
    return schema.options.find((option) => option instanceof z.ZodObject && fits(option.shape[key])) ?? schema
  }
  if (schema instanceof z.ZodUnion) {
    return (
      schema.options.find((option) => option instanceof z.ZodObject === (typeof value === 'object')) ?? schema
    )
  }
  return schema
}

/** `a whole number of at least 1: share of the pool`: the bounds of the schema, then its description. */
export function expectation(schema: z.core.$ZodType | undefined): string {
  if (schema === undefined) return 'something else'
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const description = json.description === undefined ? '' : ` (${json.description})`
  return `${kindOf(json)}${description}`
}

function kindOf(json: z.core.JSONSchema.BaseSchema): string {
  if (json.enum !== undefined) return `one of ${json.enum.join(', ')}`
  if (json.const !== undefined) return show(json.const)
  if (json.anyOf !== undefined) return json.anyOf.map((option) => kindOf(option)).join(' or ')
  if (json.oneOf !== undefined) return json.oneOf.map((option) => kindOf(option)).join(' or ')
  switch (json.type) {
    case 'integer':
      return `a whole number${bounds(json)}`
    case 'number':
      return `a number${bounds(json)}`
    case 'string':
      return json.minLength === undefined ? 'text' : 'text that is not empty'
    case 'boolean':
      return 'true or false'
    case 'array':
      return json.minItems === undefined ? 'a list' : `a list of at least ${json.minItems}`
    case 'object':
      return `a group of fields${fieldNames(json)}`
    default:
      return 'something else'
  }
}

function fieldNames(json: z.core.JSONSchema.BaseSchema): string {
  const names = Object.keys(json.properties ?? {})
  return names.length === 0 ? '' : ` (${names.join(', ')})`
}

function bounds(json: z.core.JSONSchema.BaseSchema): string {
  const low =
    json.exclusiveMinimum !== undefined
      ? ` above ${json.exclusiveMinimum}`
      : json.minimum !== undefined && json.minimum !== Number.MIN_SAFE_INTEGER
        ? ` of at least ${json.minimum}`
        : ''
  const high =
    json.exclusiveMaximum !== undefined
      ? ` below ${json.exclusiveMaximum}`
      : json.maximum !== undefined && json.maximum !== Number.MAX_SAFE_INTEGER
        ? ` at most ${json.maximum}`
        : ''
  return low !== '' && high !== '' ? `${low} and${high}` : low + high
}

/**
 * The known word that `word` was most likely meant to be: it begins so, or is at most two edits or a third of its
 * letters away.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length >= 3) {
    const longer = known.find((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()))
    if (longer !== undefined) return longer
  }
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, replace))
    }
    row = next
  }
  return row[b.length]
}
