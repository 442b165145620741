import {
  decisionColumns,
  donorsDecisionSchema,
  type DonorsDecisionRecord,
  nearest,
  parseDocument,
  roundDecisionSchema,
  type RoundDecisionRecord,
} from '@kvasir/contracts'
import { BadInput } from '../bad-input.js'

/** `--set TARGET.FIELD=VALUE`. */
export interface Edit {
  readonly text: string
  readonly target: string
  readonly field: string
  readonly value: unknown
}

/** @throws {BadInput} when it is no edit. */
export function parseEdit(text: string): Edit {
  const equals = text.indexOf('=')
  // Names of engines may have dots; fields have none.
  const dot = text.lastIndexOf('.', equals)
  if (equals < 0 || dot <= 0 || dot + 1 === equals)
    throw new BadInput(`--set is "${text}"; it must be NAME.FIELD=VALUE, such as chat.weight=3`)
  return {
    text,
    target: text.slice(0, dot),
    field: text.slice(dot + 1, equals),
    value: valueOf(text.slice(equals + 1)),
  }
}

/** Numbers, `true`, `false` and `null` as in JSON; everything else is text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Whether the edit is about an engine of this name, or of this model. */
function isAbout(edit: Edit, engine: string, model: string | undefined, asked: ReadonlySet<string>): boolean {
  if (edit.target === 'engine') return asked.has(engine)
  return edit.target === engine || edit.target === model
}

/** Fields of a pool in a round, and where they are. */
const ROUND_FIELDS = ['policy', 'bundles', 'quarantined', 'free'] as const

/**
 * A copy of a round with one thing changed; undefined when the edit is about nobody in it.
 * @param asked engines that `engine.FIELD` means.
 * @throws {BadInput} naming the field, its value and what would be right.
 */
export function editRound(
  record: RoundDecisionRecord,
  edit: Edit,
  asked: ReadonlySet<string>,
): RoundDecisionRecord | undefined {
  const { target, field, value } = edit
  if (target === 'pool' || target === record.pool) {
    const settings = Object.keys(record.settings)
    if (settings.includes(field))
      return checked(
        roundDecisionSchema,
        { ...record, settings: { ...record.settings, [field]: value } },
        edit,
      )
    if (!ROUND_FIELDS.some((known) => known === field))
      throw unknownField(edit, [...ROUND_FIELDS, ...settings])
    return checked(roundDecisionSchema, { ...record, [field]: value }, edit)
  }
  if (!record.engines.some((row) => isAbout(edit, row[0], row[1], asked))) return undefined
  const column = columnOf(edit, decisionColumns.engines)
  const engines = record.engines.map((row) =>
    isAbout(edit, row[0], row[1], asked) ? withCell(row, column, value) : row,
  )
  return checked(roundDecisionSchema, { ...record, engines }, edit)
}

/**
 * A copy of a choice of donors with one thing changed; undefined when the edit is about nobody in it.
 * @param models by engine, as far as they are known.
 * @throws {BadInput} naming the field, its value and what would be right.
 */
export function editChoice(
  record: DonorsDecisionRecord,
  edit: Edit,
  models: ReadonlyMap<string, string>,
): DonorsDecisionRecord | undefined {
  const { target, field, value } = edit
  const { request, policy, view } = record
  const inGroup = <Group extends object>(group: Group): Group => {
    if (!Object.keys(group).includes(field)) throw unknownField(edit, Object.keys(group))
    return { ...group, [field]: value }
  }
  if (target === 'request') {
    const copy = checked(donorsDecisionSchema, { ...record, request: inGroup(request) }, edit)
    const { bundles, minBundles } = copy.request
    if (minBundles !== null && minBundles > bundles)
      throw new BadInput(
        `--set ${edit.text}: minBundles is ${minBundles}; it must be at most bundles, ${bundles}`,
      )
    return copy
  }
  if (target === 'policy') return checked(donorsDecisionSchema, { ...record, policy: inGroup(policy) }, edit)
  if (target === 'pool' || target === record.pool) {
    const { bundles, free } = inGroup({ bundles: view.bundles, free: view.free })
    return checked(donorsDecisionSchema, { ...record, view: { ...view, bundles, free } }, edit)
  }
  const asked = new Set([request.engine])
  if (!view.engines.some((row) => isAbout(edit, row[0], models.get(row[0]), asked))) return undefined
  const column = columnOf(edit, decisionColumns.view)
  const engines = view.engines.map((row) =>
    isAbout(edit, row[0], models.get(row[0]), asked) ? withCell(row, column, value) : row,
  )
  return checked(donorsDecisionSchema, { ...record, view: { ...view, engines } }, edit)
}

function columnOf(edit: Edit, columns: readonly string[]): number {
  const column = columns.indexOf(edit.field)
  // The first column is the engine's name: another name would be another engine.
  if (column <= 0) throw unknownField(edit, columns.slice(1))
  return column
}

function withCell(row: readonly unknown[], column: number, value: unknown): readonly unknown[] {
  return row.map((cell, i) => (i === column ? value : cell))
}

function unknownField({ text, field }: Edit, known: readonly string[]): BadInput {
  const near = nearest(field, known)
  const hint = near === undefined ? 'known' : `did you mean ${near}? Known`
  return new BadInput(`--set ${text}: there is no field ${field}; ${hint} here: ${known.join(', ')}`)
}

function checked<T>(schema: Parameters<typeof parseDocument<T>>[0], record: unknown, edit: Edit): T {
  const parsed = parseDocument(schema, record)
  if (parsed.kind === 'parsed') return parsed.value
  // Its path is that of the record, which nobody has seen: the field is named as it was given.
  const problem = parsed.problems[0].replace(/^\S+ is/, `${edit.field} is`)
  throw new BadInput(`--set ${edit.text}: ${problem}`)
}
