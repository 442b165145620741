import type { Cancel, Heartbeat, Join, Leave, PoolWord, PreemptionRequest } from '@kvasir/contracts'
import { MessageController, type Said } from '@kvasir/platform'
import { Inject } from '@nestjs/common'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'
import { OFFICES } from '../api/tokens.js'
import type { Offices } from '../offices.js'

/** What is said to owners of pools. The machine decides about all of it: whether it was heard before, and what follows. */
@MessageController()
export class PoolMessages {
  readonly #offices: Offices

  constructor(@Inject(OFFICES) offices: Offices) {
    this.#offices = offices
  }

  @EventPattern<string>('join')
  join(@Payload() join: Join, @Ctx() said: Said<Join>): void {
    said.pass(join)
  }

  @EventPattern<string>('leave')
  leave(@Payload() leave: Leave, @Ctx() said: Said<Leave>): void {
    said.pass(leave)
  }

  @EventPattern<string>('request')
  request(@Payload() request: PreemptionRequest, @Ctx() said: Said<PreemptionRequest>): void {
    said.pass(request)
  }

  @EventPattern<string>('cancel')
  cancel(@Payload() cancel: Cancel, @Ctx() said: Said<Cancel>): void {
    said.pass(cancel)
  }

  @EventPattern<string>('heartbeat')
  heartbeat(@Payload() heartbeat: Heartbeat, @Ctx() said: Said<Heartbeat>): void {
    said.pass(heartbeat)
  }

  /** The cluster's owner to a pool's. Models may be among it that this process has never heard of: it weighs their tokens from here on. */
  @EventPattern<string>('word')
  word(@Payload() word: PoolWord, @Ctx() said: Said<PoolWord>): void {
    this.#offices.learn(said.actor, word.shares.models)
    said.pass(word)
  }
}
