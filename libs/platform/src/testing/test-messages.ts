import 'reflect-metadata'
import { Inject, type INestMicroservice, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Ctx, EventPattern, MessagePattern, type MicroserviceOptions, Payload } from '@nestjs/microservices'
import type { Handlers } from '../transport/handlers.js'
import { MessageController } from '../transport/message-controller.js'
import type { Said } from '../transport/said.js'

/** What a test does with every message; whatever it does not throw at is passed on, unless it answers `drop`. */
export type Handle = (message: unknown, said: Said<unknown>) => undefined | 'drop' | Promise<undefined>

const HANDLE = Symbol('handle')

/** Handlers for all that is said to owners and to engines. */
@MessageController()
class TestMessages {
  readonly #handle: Handle

  constructor(@Inject(HANDLE) handle: Handle) {
    this.#handle = handle
  }

  @EventPattern<readonly string[]>([
    'join',
    'leave',
    'request',
    'cancel',
    'heartbeat',
    'word',
    'report',
    'document',
  ])
  async event(@Payload() message: unknown, @Ctx() said: Said<unknown>): Promise<void> {
    if ((await this.#handle(message, said)) !== 'drop') said.pass(message)
  }

  @MessagePattern(['model', 'orders'])
  async letter(@Payload() message: unknown, @Ctx() said: Said<unknown>): Promise<void> {
    await this.event(message, said)
  }
}

@Module({})
class TestModule {}

/** A Nest application with handlers on a transport, and nothing else. */
export async function handleBy(strategy: Handlers, handle: Handle): Promise<INestMicroservice> {
  const providers = [{ provide: HANDLE, useValue: handle }]
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: TestModule, controllers: [TestMessages], providers },
    { strategy, logger: false },
  )
  await app.listen()
  return app
}
