import type { OperatorLetter, PoolReport } from '@kvasir/contracts'
import { MessageController, type Said } from '@kvasir/platform'
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices'

type ModelLetter = Extract<OperatorLetter, { kind: 'model' }>
type OrdersLetter = Extract<OperatorLetter, { kind: 'orders' }>

/**
 * What is said to the owner of the cluster. Operators are answered, and the answer is the machine's: it is part of the commit that
 * makes the change durable, and not what these methods return.
 */
@MessageController()
export class ClusterMessages {
  @EventPattern<string>('report')
  report(@Payload() report: PoolReport, @Ctx() said: Said<PoolReport>): void {
    said.pass(report)
  }

  @MessagePattern('model')
  model(@Payload() letter: ModelLetter, @Ctx() said: Said<ModelLetter>): void {
    said.pass(letter)
  }

  @MessagePattern('orders')
  orders(@Payload() letter: OrdersLetter, @Ctx() said: Said<OrdersLetter>): void {
    said.pass(letter)
  }
}
