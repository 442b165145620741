import { Controller, Get, Inject, Param } from '@nestjs/common'
import { Engine } from '../engine.js'
import { OpenAiError, unservedModel } from './openai-error.js'

/** What is served, and how it goes. */
@Controller()
export class ModelsController {
  readonly #engine: Engine
  readonly #created = Math.floor(Date.now() / 1_000)

  constructor(@Inject(Engine) engine: Engine) {
    this.#engine = engine
  }

  get #served() {
    const { name } = this.#engine.profile.model
    return { id: name, object: 'model', created: this.#created, owned_by: 'kvasir' }
  }

  @Get('v1/models')
  models() {
    return { object: 'list', data: [this.#served] }
  }

  @Get('v1/models/:model')
  model(@Param('model') model: string) {
    const served = this.#served
    if (model === served.id) return served
    throw unservedModel(model, served.id)
  }

  /** The process is there; what it has to work with is in the answer. */
  @Get('health')
  health() {
    const { driver, profile } = this.#engine
    const { lease, pool, scheduler } = driver.machine
    const document = lease.document
    return {
      engine: profile.engine,
      model: profile.model.name,
      pool: profile.pool.id,
      ready: driver.ready,
      epoch: lease.epoch,
      leaseBundles: document?.leaseBundles ?? 0,
      heldBundles: pool.bundles,
      budget: document?.budget ?? null,
      unfinished: driver.unfinished,
      waiting: scheduler.waitingCount,
    }
  }

  /** Whether requests should be sent here. */
  @Get('ready')
  ready() {
    const health = this.health()
    if (health.ready) return health
    throw new OpenAiError({
      status: 503,
      message: `engine ${health.engine} has no device or no lease at the moment`,
      code: 'not_ready',
      retryAfterS: 1,
    })
  }
}
