import { z } from 'zod'
import { parsePath, pathLabel, type PathStep } from './paths.js'
import { nearest, type Parsed } from './problems.js'
import { summarySchema } from './summary.js'

/** The part of JSON Schema that the summary's schema is made of. */
interface SchemaNode {
  readonly type?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: unknown
  readonly anyOf?: readonly SchemaNode[]
}

/** Whether `path` names a number of a summary; names of models and pools are taken as they are. */
export function summaryPathProblems(where: string, path: string): string[] {
  const parsed = parsePath(path)
  if (parsed.kind === 'refused') return parsed.problems.map((problem) => `${where} ${problem}`)
  let node: SchemaNode = z.toJSONSchema(summarySchema, { io: 'output' }) as SchemaNode
  const walked: PathStep[] = []
  for (const step of parsed.value) {
    const next = summaryChild(node, step)
    if (next.kind === 'refused') {
      const holder = walked.length === 0 ? 'a summary' : pathLabel(walked)
      return next.problems.map((problem) => `${where} is ${path}; ${holder} ${problem}`)
    }
    node = next.value
    walked.push(step)
  }
  if (isNumber(node)) return []
  const inside = Object.keys(node.properties ?? {})
  const hint = inside.length === 0 ? '' : `, such as ${path}.${inside[0]} (of ${inside.join(', ')})`
  return [`${where} is ${path}, which is no number; it must name one${hint}`]
}

function summaryChild(node: SchemaNode, step: PathStep): Parsed<SchemaNode> {
  const refuse = (problem: string): Parsed<SchemaNode> => ({ kind: 'refused', problems: [problem] })
  const members = node.properties
  if (members !== undefined && step.kind === 'field') {
    const names = Object.keys(members)
    const next = names.includes(step.name) ? members[step.name] : undefined
    if (next !== undefined) return { kind: 'parsed', value: next }
    const near = nearest(step.name, names)
    return refuse(
      `has no ${step.name}${near === undefined ? '' : `; did you mean ${near}?`} It has ${names.join(', ')}`,
    )
  }
  if (isRecord(node.additionalProperties) && step.kind !== 'index')
    return { kind: 'parsed', value: node.additionalProperties }
  return refuse(`has no ${pathLabel([step])}`)
}

function isRecord(node: unknown): node is SchemaNode {
  return typeof node === 'object' && node !== null
}

function isNumber(node: SchemaNode): boolean {
  if (node.anyOf !== undefined) return node.anyOf.some(isNumber)
  const types: readonly unknown[] = Array.isArray(node.type) ? node.type : [node.type]
  return types.includes('number') || types.includes('integer')
}
