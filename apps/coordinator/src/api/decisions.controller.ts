import {
  type DecisionRecord,
  decisionListSchema,
  type DonorsDecisionRecord,
  type EndDecisionRecord,
  type RoundDecisionRecord,
} from '@kvasir/contracts'
import {
  type BudgetExplanation,
  explainBudget,
  explainRequest,
  type RequestExplanation,
} from '@kvasir/coordinator-core'
import { Controller, Get, Inject, Param, Query } from '@nestjs/common'
import { ApiQuery } from '@nestjs/swagger'
import type { ClusterReader } from '../desk/cluster-reader.js'
import { Refusal } from '../desk/refusal.js'
import { answers } from './documented.js'
import { countIn, poolIn } from './read-input.js'
import { READER } from './tokens.js'

const LIMIT = 100
const LIMIT_MOST = 20_000
/** Lines of a pool's log in which there is a round. */
const ROUND_WITHIN = 2_000

@Controller('v1')
export class DecisionsController {
  readonly #reader: ClusterReader

  constructor(@Inject(READER) reader: ClusterReader) {
    this.#reader = reader
  }

  @Get('decisions')
  @ApiQuery({ name: 'pool', required: false })
  @ApiQuery({ name: 'limit', required: false, description: `of each pool; ${LIMIT} by default` })
  @answers('the newest decisions, of each pool the oldest first', decisionListSchema)
  async decisions(
    @Query('pool') pool: string | undefined,
    @Query('limit') limit: string | undefined,
  ): Promise<{ readonly decisions: readonly DecisionRecord[] }> {
    const pools = poolIn(pool, this.#reader.pools)
    return { decisions: await this.#reader.decisions(countIn('limit', limit, LIMIT, LIMIT_MOST), pools) }
  }

  /** Ids of requests have slashes. */
  @Get(['explain/:engine/:incarnation/:number', 'explain/:id'])
  async explain(
    @Param('id') whole: string | undefined,
    @Param('engine') engine: string | undefined,
    @Param('incarnation') incarnation: string | undefined,
    @Param('number') number: string | undefined,
  ): Promise<RequestExplanation> {
    const id = whole ?? `${engine}/${incarnation}/${number}`
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

  @Get('explain')
  @ApiQuery({ name: 'engine', required: false })
  @ApiQuery({ name: 'model', required: false })
  async explainBudgets(
    @Query('engine') engine: string | undefined,
    @Query('model') model: string | undefined,
  ): Promise<{ readonly budgets: readonly BudgetExplanation[] }> {
    if (engine === undefined && model === undefined)
      throw Refusal.badInput('engine and model are missing; one of them must say whose budget to explain')
    const rounds = await this.#newestRounds()
    const budgets = rounds.flatMap((round) =>
      round.engines
        .filter(([id, serves]) => (engine ?? id) === id && (model ?? serves) === serves)
        .map(([id]) => explainBudget(round, id)),
    )
    if (budgets.length > 0) return { budgets }
    const known = rounds.flatMap(({ engines }) =>
      engines.map((row) => (engine === undefined ? row[1] : row[0])),
    )
    throw Refusal.unknown(
      `${engine === undefined ? 'model' : 'engine'} is ${JSON.stringify(engine ?? model)}; it must be one of ${[...new Set(known)].join(', ')}`,
    )
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
