import { observeSchema, policyChangeSchema, policyStatusSchema, type PolicyName } from '@kvasir/contracts'
import { Body, Controller, Get, Headers, Inject, Put } from '@nestjs/common'
import type { ModelDesk } from '../desk/model-desk.js'
import { answers, takes, takesRevision } from './documented.js'
import { basisIn, bodyAs } from './read-input.js'
import { DESK } from './tokens.js'

interface PolicyStatus {
  readonly policy: PolicyName
  readonly revision: number
}

/** How all pools are run. */
@Controller('v1')
export class OrdersController {
  readonly #desk: ModelDesk

  constructor(@Inject(DESK) desk: ModelDesk) {
    this.#desk = desk
  }

  @Get('policy')
  @answers('how budgets and memory are divided', policyStatusSchema)
  async policy(): Promise<PolicyStatus> {
    const { policy, revision } = await this.#desk.orders()
    return { policy, revision }
  }

  @Put('policy')
  @takes('divides otherwise: every pool gets a new term of office, which takes a moment', policyChangeSchema)
  @takesRevision()
  @answers('the policy', policyStatusSchema)
  async setPolicy(
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<PolicyStatus> {
    const { policy, revision } = await this.#desk.order(bodyAs(policyChangeSchema, body), basisIn(ifMatch))
    return { policy, revision }
  }

  @Get('observe')
  @answers('whether pools publish plans and move nothing', observeSchema)
  async observing(): Promise<{ readonly on: boolean }> {
    return { on: (await this.#desk.orders()).observeOnly }
  }

  @Put('observe')
  @takes('has pools publish plans and move nothing, or act again', observeSchema)
  @answers('whether they do', observeSchema)
  async observe(@Body() body: unknown): Promise<{ readonly on: boolean }> {
    const { on } = bodyAs(observeSchema, body)
    return { on: (await this.#desk.order({ observeOnly: on }, undefined)).observeOnly }
  }
}
