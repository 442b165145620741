import type {
  DonorsDecisionRecord,
  EndDecisionRecord,
  RoundDecisionRecord,
  WhatIf,
  WhatIfAnswer,
} from '@kvasir/contracts'
import {
  type BudgetExplanation,
  explainBudget,
  explainRequest,
  type RequestExplanation,
} from '@kvasir/coordinator-core'
import type { ClusterReader } from './cluster-reader.js'
import { Refusal } from './refusal.js'
import { imagineRound } from './what-if.js'

/** Lines of a pool's log in which there is a round. */
const ROUND_WITHIN = 2_000

/** Says why, from what the decision log still has. */
export class Explainer {
  readonly #reader: ClusterReader

  constructor(reader: ClusterReader) {
    this.#reader = reader
  }

  /** @throws {Refusal} 404 when the log has nothing of the request. */
  async request(id: string): Promise<RequestExplanation> {
    const records = await this.#reader.about(id)
    const choices = records.filter(
      (record): record is DonorsDecisionRecord => record.kind === 'donors' && record.request.id === id,
    )
    const end = records.find(
      (record): record is EndDecisionRecord => record.kind === 'end' && record.id === id,
    )
    if (choices.length > 0) return explainRequest(choices, end)
    throw Refusal.unknown(
      `id is ${JSON.stringify(id)}; it must be a preemption request that is still in the log, such as those of /v1/decisions`,
    )
  }

  /** Budgets of the newest rounds. @throws {Refusal} when it is not said whose, or nobody is called so. */
  async budgets(
    engine: string | undefined,
    model: string | undefined,
  ): Promise<readonly BudgetExplanation[]> {
    if (engine === undefined && model === undefined)
      throw Refusal.badInput('engine and model are missing; one of them must say whose budget to explain')
    const rounds = await this.#newestRounds()
    const budgets = rounds.flatMap((round) =>
      round.engines
        .filter(([id, serves]) => (engine ?? id) === id && (model ?? serves) === serves)
        .map(([id]) => explainBudget(round, id)),
    )
    if (budgets.length > 0) return budgets
    const [field, value, column] = engine === undefined ? ['model', model, 1] : ['engine', engine, 0]
    const known = new Set(rounds.flatMap(({ engines }) => engines.map((row) => row[column === 1 ? 1 : 0])))
    throw Refusal.unknown(`${field} is ${JSON.stringify(value)}; it must be one of ${[...known].join(', ')}`)
  }

  /** The newest rounds with other terms; nothing is changed. @throws {Refusal} 404 when a model is not registered. */
  async whatIf({ models: changes }: WhatIf): Promise<WhatIfAnswer> {
    const models = new Map((await this.#reader.models()).map((model) => [model.name, model]))
    const stranger = Object.keys(changes).find((name) => !models.has(name))
    if (stranger !== undefined)
      throw Refusal.unknown(
        `models has "${stranger}", which is not registered; it must be one of ${[...models.keys()].join(', ')}`,
      )
    const rounds = await this.#newestRounds()
    return { rounds: rounds.map((round) => imagineRound(round, changes, models)) }
  }

  /** Of each pool. */
  async #newestRounds(): Promise<readonly RoundDecisionRecord[]> {
    const records = await this.#reader.decisions(ROUND_WITHIN, this.#reader.pools, (line) =>
      line.includes('"kind":"round"'),
    )
    const newest = new Map<string, RoundDecisionRecord>()
    for (const record of records) if (record.kind === 'round') newest.set(record.pool, record)
    return [...newest.values()]
  }
}
