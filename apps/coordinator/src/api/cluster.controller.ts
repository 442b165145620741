import {
  budgetListSchema,
  type BudgetStatus,
  engineListSchema,
  type EngineStatus,
  poolListSchema,
  type PoolStatus,
} from '@kvasir/contracts'
import { Controller, Get, Inject } from '@nestjs/common'
import type { ClusterReader } from '../desk/cluster-reader.js'
import { answers } from './documented.js'
import { READER } from './tokens.js'

@Controller('v1')
export class ClusterController {
  readonly #reader: ClusterReader

  constructor(@Inject(READER) reader: ClusterReader) {
    this.#reader = reader
  }

  @Get('engines')
  @answers('engines as the owners of their pools know them', engineListSchema)
  async engines(): Promise<{ readonly engines: readonly EngineStatus[] }> {
    return { engines: (await this.#reader.views()).flatMap(({ engines }) => engines) }
  }

  @Get('pools')
  @answers('pools, and who owns them', poolListSchema)
  async pools(): Promise<{ readonly pools: readonly PoolStatus[] }> {
    return { pools: await this.#reader.poolStatuses() }
  }

  @Get('budgets')
  @answers('budgets of the newest rounds', budgetListSchema)
  async budgets(): Promise<{ readonly budgets: readonly BudgetStatus[] }> {
    return { budgets: (await this.#reader.views()).flatMap(({ budgets }) => budgets) }
  }
}
