import type { Parsed } from './problems.js'

/** One step into a document. */
export type PathStep =
  /** A field of an object, or of a list the element with that `name`. */
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  /** Every element of a list, every member of an object. */
  | { readonly kind: 'all' }

export type Path = readonly PathStep[]

/** A word up to the next dot or bracket; a number, star or quoted text in brackets. */
const STEP = /^(?:\.?([^.[\]"]+)|\[(\d+)\]|\[(\*)\]|\["([^"]+)"\])/

/** Reads `models.chat.engine["a.b"][0][*]`. */
export function parsePath(text: string): Parsed<Path> {
  const steps: PathStep[] = []
  for (let rest = text; rest !== ''; ) {
    const match = STEP.exec(rest)
    if (match === null || isMisplaced(match, steps.length === 0)) {
      const problem = `is "${text}"; it must be a path such as models.chat.weight, models[0].weight or models["a.b"].weight`
      return { kind: 'refused', problems: [problem] }
    }
    const [whole, field, index, star, quoted] = match
    if (index !== undefined) steps.push({ kind: 'index', index: Number(index) })
    else if (star !== undefined) steps.push({ kind: 'all' })
    else steps.push({ kind: 'field', name: field ?? quoted })
    rest = rest.slice(whole.length)
  }
  return { kind: 'parsed', value: steps }
}

/** A dot stands before every field but the first. */
function isMisplaced([whole, field]: RegExpExecArray, isFirst: boolean): boolean {
  return whole.startsWith('.') ? isFirst : field !== undefined && !isFirst
}

/** A path as it is written. */
export function pathLabel(path: Path): string {
  return path
    .map((step, i) => {
      if (step.kind === 'index') return `[${step.index}]`
      if (step.kind === 'all') return '[*]'
      if (/[.[\]"]/.test(step.name)) return `["${step.name}"]`
      return i === 0 ? step.name : `.${step.name}`
    })
    .join('')
}
