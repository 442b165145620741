import {
  type DecisionRecord,
  decisionListSchema,
  type WhatIfAnswer,
  whatIfAnswerSchema,
  whatIfSchema,
} from '@kvasir/contracts'
import type { BudgetExplanation, RequestExplanation } from '@kvasir/coordinator-core'
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiQuery } from '@nestjs/swagger'
import type { ClusterReader } from '../desk/cluster-reader.js'
import type { Explainer } from '../desk/explainer.js'
import { answers, takes } from './documented.js'
import { bodyAs, countIn, DECISIONS_MOST, DECISIONS_USUAL, poolIn } from './read-input.js'
import { EXPLAINER, READER } from './tokens.js'

@Controller('v1')
export class DecisionsController {
  readonly #reader: ClusterReader
  readonly #explainer: Explainer

  constructor(@Inject(READER) reader: ClusterReader, @Inject(EXPLAINER) explainer: Explainer) {
    this.#reader = reader
    this.#explainer = explainer
  }

  @Get('decisions')
  @ApiQuery({ name: 'pool', required: false })
  @ApiQuery({ name: 'limit', required: false, description: `of each pool; ${DECISIONS_USUAL} by default` })
  @answers('the newest decisions, of each pool the oldest first', decisionListSchema)
  async decisions(
    @Query('pool') pool: string | undefined,
    @Query('limit') limit: string | undefined,
  ): Promise<{ readonly decisions: readonly DecisionRecord[] }> {
    const pools = poolIn(pool, this.#reader.pools)
    return {
      decisions: await this.#reader.decisions(
        countIn('limit', limit, DECISIONS_USUAL, DECISIONS_MOST),
        pools,
      ),
    }
  }

  /** Ids of requests have slashes. */
  @Get(['explain/:engine/:incarnation/:number', 'explain/:id'])
  explain(
    @Param('id') whole: string | undefined,
    @Param('engine') engine: string | undefined,
    @Param('incarnation') incarnation: string | undefined,
    @Param('number') number: string | undefined,
  ): Promise<RequestExplanation> {
    return this.#explainer.request(whole ?? `${engine}/${incarnation}/${number}`)
  }

  @Get('explain')
  @ApiQuery({ name: 'engine', required: false })
  @ApiQuery({ name: 'model', required: false })
  async explainBudgets(
    @Query('engine') engine: string | undefined,
    @Query('model') model: string | undefined,
  ): Promise<{ readonly budgets: readonly BudgetExplanation[] }> {
    return { budgets: await this.#explainer.budgets(engine, model) }
  }

  @Post('what-if')
  @HttpCode(200)
  @takes('takes the newest rounds again with other terms, and changes nothing', whatIfSchema)
  @answers('each round as it was, and as it would have been', whatIfAnswerSchema)
  whatIf(@Body() body: unknown): Promise<WhatIfAnswer> {
    return this.#explainer.whatIf(bodyAs(whatIfSchema, body))
  }
}
