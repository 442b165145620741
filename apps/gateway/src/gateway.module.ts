import { Agent } from 'node:http'
import type { GatewayProfile } from '@kvasir/contracts'
import {
  Controller,
  type DynamicModule,
  Get,
  Inject,
  Module,
  type OnApplicationShutdown,
  Post,
  type RawBodyRequest,
  Req,
  Res,
} from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { Discovery } from './discovery.js'
import { forward, type ForwardParts } from './forward.js'
import { incomingOf } from './incoming.js'
import { Limits } from './limits.js'
import { Refusal } from './openai-error.js'
import { Replicas } from './replicas.js'
import { EngineWatch } from './watch-engines.js'

/** Token under which Nest hands the gateway to its controllers. */
const GATEWAY = Symbol('gateway')

/** What all requests share. */
export class Gateway implements OnApplicationShutdown {
  readonly limits: Limits
  readonly parts: ForwardParts
  readonly #discovery: Discovery
  readonly #agent = new Agent({ keepAlive: true })

  constructor(profile: GatewayProfile, log: Logger) {
    this.limits = new Limits(profile)
    const replicas = new Replicas(profile.engines, profile.dispatch)
    const watch = new EngineWatch(replicas, this.#agent)
    this.parts = { replicas, watch, agent: this.#agent, log, patienceMs: profile.patienceMs }
    const { coordinators, engines } = profile
    this.#discovery = new Discovery({ coordinators, engines, replicas, watch, agent: this.#agent, log })
    watch.start()
    this.#discovery.start()
  }

  onApplicationShutdown(): void {
    this.#discovery.stop()
    this.parts.watch.stop()
    this.#agent.destroy()
  }

  /** Hot path: a first token waits for this. Serves one completion, from its limits to its end. @throws {Refusal} */
  async complete(path: string, request: RawBodyRequest<FastifyRequest>, reply: FastifyReply): Promise<void> {
    // Answers are written as they come, errors too.
    reply.hijack()
    const client = reply.raw
    const incoming = incomingOf(path, request)
    client.setHeader('x-request-id', incoming.id)
    if (!this.parts.replicas.knows(incoming.model)) await this.#learn(incoming.model)
    const entry = this.limits.enter(incoming.tenant)
    if (entry.kind === 'closed')
      throw new Refusal(503, 'stopping', 'the gateway is about to stop', { retryAfterS: 1 })
    if (entry.kind === 'refused')
      throw new Refusal(429, entry.reason, `${entry.limit} requests are under way, which is the limit`, {
        retryAfterS: 1,
      })
    try {
      await forward(incoming, client, this.parts)
    } finally {
      entry.leave()
    }
  }

  /** @throws {Refusal} 404 when neither the gateway nor a coordinator has heard of the model. */
  async #learn(model: string): Promise<void> {
    const { replicas } = this.parts
    await this.#discovery.look()
    if (replicas.knows(model)) return
    const { models } = replicas
    const known =
      models.length === 0 ? 'and there is none at present' : `it must be one of ${models.join(', ')}`
    const message = `model is ${JSON.stringify(model)}; ${known}`
    throw new Refusal(404, 'model_not_found', message, { param: 'model' })
  }
}

@Controller('v1')
export class CompletionsController {
  readonly #gateway: Gateway

  constructor(@Inject(GATEWAY) gateway: Gateway) {
    this.#gateway = gateway
  }

  @Post('completions')
  completions(@Req() request: RawBodyRequest<FastifyRequest>, @Res() reply: FastifyReply): Promise<void> {
    return this.#gateway.complete('/v1/completions', request, reply)
  }

  @Post('chat/completions')
  chat(@Req() request: RawBodyRequest<FastifyRequest>, @Res() reply: FastifyReply): Promise<void> {
    return this.#gateway.complete('/v1/chat/completions', request, reply)
  }

  @Get('models')
  models() {
    const data = this.#gateway.parts.replicas.models.map((id) => ({
      id,
      object: 'model',
      created: 0,
      owned_by: 'kvasir',
    }))
    return { object: 'list', data }
  }
}

@Controller()
export class HealthController {
  readonly #gateway: Gateway

  constructor(@Inject(GATEWAY) gateway: Gateway) {
    this.#gateway = gateway
  }

  @Get('health')
  health() {
    return { status: 'ok', underWay: this.#gateway.limits.total }
  }

  /** Ready when every model that has engines has one that takes requests: one that was only registered waits for its first. */
  @Get('ready')
  ready(@Res() reply: FastifyReply): void {
    const { engines } = this.#gateway.parts.replicas
    const served = new Set(engines.map(({ model }) => model))
    const missing = [...served].filter(
      (model) => !engines.some((engine) => engine.model === model && engine.ready),
    )
    const ready = served.size > 0 && missing.length === 0
    void reply.status(ready ? 200 : 503).send({ ready, missing, engines })
  }
}

@Module({})
export class GatewayModule {
  static with(gateway: Gateway): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [CompletionsController, HealthController],
      providers: [{ provide: GATEWAY, useValue: gateway }],
    }
  }
}
