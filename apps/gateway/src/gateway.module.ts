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
  Req,
  Res,
} from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
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
  readonly #agent = new Agent({ keepAlive: true })

  constructor(profile: GatewayProfile, log: Logger) {
    this.limits = new Limits(profile)
    const replicas = new Replicas(profile.engines, profile.dispatch)
    const watch = new EngineWatch(replicas, this.#agent)
    this.parts = { replicas, watch, agent: this.#agent, log, patienceMs: profile.patienceMs }
    watch.start()
  }

  onApplicationShutdown(): void {
    this.parts.watch.stop()
    this.#agent.destroy()
  }

  /** Serves one completion, from its limits to its end. @throws {Refusal} */
  async complete(path: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const incoming = incomingOf(request)
    void reply.header('x-request-id', incoming.id)
    const { models } = this.parts.replicas
    if (!models.includes(incoming.model))
      throw new Refusal(
        404,
        'model_not_found',
        `model is ${JSON.stringify(incoming.model)}; it must be one of ${models.join(', ')}`,
        { param: 'model' },
      )
    const entry = this.limits.enter(incoming.tenant)
    if (entry.kind === 'closed')
      throw new Refusal(503, 'stopping', 'the gateway is about to stop', { retryAfterS: 1 })
    if (entry.kind === 'refused')
      throw new Refusal(429, entry.reason, `${entry.limit} requests are under way, which is the limit`, {
        retryAfterS: 1,
      })
    try {
      await forward(path, incoming, reply, this.parts)
    } finally {
      entry.leave()
    }
  }
}

@Controller('v1')
export class CompletionsController {
  readonly #gateway: Gateway

  constructor(@Inject(GATEWAY) gateway: Gateway) {
    this.#gateway = gateway
  }

  @Post('completions')
  completions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#gateway.complete('/v1/completions', request, reply)
  }

  @Post('chat/completions')
  chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
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

  /** Ready when every model has an engine that takes requests. */
  @Get('ready')
  ready(@Res() reply: FastifyReply): void {
    const { models, engines } = this.#gateway.parts.replicas
    const missing = models.filter(
      (model) => !engines.some((engine) => engine.model === model && engine.ready),
    )
    void reply
      .status(missing.length === 0 ? 200 : 503)
      .send({ ready: missing.length === 0, missing, engines })
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
