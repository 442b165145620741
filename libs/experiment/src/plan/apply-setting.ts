import { nearest, type Parsed, parsePath, type Path, pathLabel, type PathStep } from '@kvasir/contracts'

/**
 * `document` with `value` at `path`; null takes the field away. Nothing of the document is changed in place. A field that the
 * scenario does not know is refused later, by the scenario's own schema; what is refused here are elements of lists that are
 * not there.
 */
export function applySetting(document: unknown, path: string, value: unknown): Parsed<unknown> {
  const parsed = parsePath(path)
  if (parsed.kind === 'refused') return parsed
  const cursor = { steps: parsed.value, at: 0 }
  const problem = misfit(document, cursor)
  if (problem !== undefined) return { kind: 'refused', problems: [`is "${path}"; ${problem}`] }
  return { kind: 'parsed', value: updated(document, cursor, value) }
}

interface Cursor {
  readonly steps: Path
  /** Place of the next step. */
  readonly at: number
}

/** Why there is no such place; undefined when there is, or can be made. */
function misfit(node: unknown, cursor: Cursor): string | undefined {
  if (cursor.at === cursor.steps.length) return undefined
  const step = cursor.steps[cursor.at]
  const next = { ...cursor, at: cursor.at + 1 }
  if (Array.isArray(node)) {
    const chosen = elementsAt(node, step)
    if (chosen.length === 0) return missingElement(node, step, cursor)
    return chosen.map((i) => misfit(node[i], next)).find((problem) => problem !== undefined)
  }
  if (step.kind !== 'field') return `${holderLabel(cursor)} is no list; ${pathLabel([step])} must follow one`
  if (node === undefined) return misfit(undefined, next)
  return isFields(node)
    ? misfit(node[step.name], next)
    : `${holderLabel(cursor)} is ${JSON.stringify(node)}; it has no fields`
}

function missingElement(list: readonly unknown[], step: PathStep, cursor: Cursor): string {
  const holder = holderLabel(cursor)
  if (step.kind !== 'field') return `${holder} has ${list.length} elements; the index must be below that`
  const names = list.map(elementName)
  const near = nearest(step.name, names)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return `${holder} has no element named ${step.name}${hint} (it has ${names.join(', ')})`
}

function updated(node: unknown, cursor: Cursor, value: unknown): unknown {
  if (cursor.at === cursor.steps.length) return value
  const step = cursor.steps[cursor.at]
  const next = { ...cursor, at: cursor.at + 1 }
  const isRemoved = value === null && next.at === cursor.steps.length
  if (Array.isArray(node)) {
    const chosen = elementsAt(node, step)
    return node.flatMap((element: unknown, i) => {
      if (!chosen.includes(i)) return [element]
      return isRemoved ? [] : [updated(element, next, value)]
    })
  }
  if (step.kind !== 'field') return node
  const { [step.name]: member, ...rest } = isFields(node) ? node : {}
  return isRemoved ? rest : { ...rest, [step.name]: updated(member, next, value) }
}

function elementsAt(list: readonly unknown[], step: PathStep): readonly number[] {
  if (step.kind === 'all') return [...list.keys()]
  const index = step.kind === 'index' ? step.index : list.map(elementName).indexOf(step.name)
  return index >= 0 && index < list.length ? [index] : []
}

/** Pools have an id where models and generators have a name. */
function elementName(element: unknown): string {
  return isFields(element) ? String(element['name'] ?? element['id'] ?? '') : ''
}

function holderLabel({ steps, at }: Cursor): string {
  return at === 0 ? 'the scenario' : pathLabel(steps.slice(0, at))
}

function isFields(node: unknown): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null && !Array.isArray(node)
}
