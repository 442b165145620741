import { existsSync } from 'node:fs'
import type {
  DecisionRecord,
  DonorsDecisionRecord,
  EndDecisionRecord,
  RoundDecisionRecord,
} from '@kvasir/contracts'
import { OperationalError, readDecisionLog } from '@kvasir/event-log'
import { type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'
import { BadInput } from '../bad-input.js'

/** Where recorded decisions come from, in the order in which they were made. */
export interface DecisionSource {
  /** For messages. */
  readonly name: string
  records(): AsyncIterable<DecisionRecord>
}

/**
 * The decisions of a log. Only what is whole is explained: a damaged line, or one that is out of the chain, refuses the log.
 * @throws {BadInput} when there is no such log, and from the iteration.
 */
export function logSource(path: string): DecisionSource {
  if (!existsSync(path)) throw new BadInput(`--log ${path}: there is no such file`)
  return { name: path, records: () => wholeRecords(path) }
}

async function* wholeRecords(path: string): AsyncGenerator<DecisionRecord, void, undefined> {
  const refuse = (line: number, problem: string) =>
    new BadInput(`--log ${path}, line ${line}: ${problem}; kvasir replay ${path} says more`)
  try {
    for await (const entry of readDecisionLog(path)) {
      if (entry.kind === 'header') continue
      if (entry.kind === 'damaged') throw refuse(entry.line, entry.problem)
      const { line, record, broken } = entry
      if (broken !== undefined)
        throw refuse(line, `${broken.field} is ${broken.actual}; it must be ${broken.expected}`)
      if (record.kind !== 'closed') yield record
    }
  } catch (error) {
    if (error instanceof OperationalError) throw new BadInput(`--log ${error.message}`)
    throw error
  }
}

/** Everything that was decided about one preemption request. */
export interface RecordedRequest {
  readonly choices: readonly DonorsDecisionRecord[]
  readonly end: EndDecisionRecord | undefined
  /** Of its pool, the newest before the first choice. */
  readonly round: RoundDecisionRecord | undefined
}

/** @throws {BadInput} when nothing was decided about `id`. */
export async function findRequest(source: DecisionSource, id: string): Promise<RecordedRequest> {
  const rounds = new Map<string, RoundDecisionRecord>()
  const choices: DonorsDecisionRecord[] = []
  const others: string[] = []
  let end: EndDecisionRecord | undefined
  let round: RoundDecisionRecord | undefined
  for await (const record of source.records()) {
    if (record.kind === 'round') rounds.set(record.pool, record)
    else if (record.kind === 'donors' && record.request.id === id) {
      if (choices.length === 0) round = rounds.get(record.pool)
      choices.push(record)
    } else if (record.kind === 'donors') others.push(record.request.id)
    else if (record.id === id) end = record
  }
  if (choices.length > 0) return { choices, end, round }
  const some = [...new Set(others)].slice(0, 5).join(', ')
  const known = some === '' ? 'it has no preemption requests' : `it has, among others, ${some}`
  throw new BadInput(`${JSON.stringify(id)} is no preemption request in ${source.name}: ${known}`)
}

/** Whose budget is asked for; without either, everybody's. */
export interface Whose {
  readonly engine?: string | undefined
  readonly model?: string | undefined
}

/**
 * The round that was in force at a time in each pool in which the engine, or the model, had a part.
 * @throws {BadInput} when there is none.
 */
export async function findRounds(
  source: DecisionSource,
  atUs: Micros,
  whose: Whose,
): Promise<readonly RoundDecisionRecord[]> {
  const inForce = new Map<string, RoundDecisionRecord>()
  const names = { engine: new Set<string>(), model: new Set<string>() }
  let firstUs: Micros | undefined
  for await (const record of source.records()) {
    if (record.kind !== 'round') continue
    for (const row of record.engines) {
      names.engine.add(row[0])
      names.model.add(row[1])
    }
    const fits = engineRowsOf(record, whose).length > 0
    if (!fits) continue
    firstUs ??= record.atUs
    if (record.atUs <= atUs) inForce.set(record.pool, record)
  }
  if (inForce.size > 0) return [...inForce.values()]
  for (const kind of ['engine', 'model'] as const) {
    const name = whose[kind]
    if (name !== undefined && !names[kind].has(name))
      throw new BadInput(
        `--${kind} is ${JSON.stringify(name)}; ${source.name} knows ${[...names[kind]].sort().join(', ')}`,
      )
  }
  if (atUs === Infinity) throw new BadInput(`${source.name} has no rounds yet`)
  const first = firstUs === undefined ? 'no rounds' : `the first round at ${seconds(firstUs)}`
  throw new BadInput(`--at is ${seconds(atUs)}; ${source.name} has ${first}`)
}

/** The rows of a round that belong to whom is asked for. */
export function engineRowsOf(
  record: RoundDecisionRecord,
  { engine, model }: Whose,
): RoundDecisionRecord['engines'] {
  return record.engines.filter(
    (row) => (engine === undefined || row[0] === engine) && (model === undefined || row[1] === model),
  )
}

function seconds(micros: Micros): string {
  return `${micros / MICROS_PER_SECOND} s`
}
