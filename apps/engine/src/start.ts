import 'reflect-metadata'
import type { EngineProfile } from '@kvasir/contracts'
import { type Device, RemoteGroup } from '@kvasir/devices'
import {
  type ActorStores,
  appLog,
  EngineDriver,
  type EngineNews,
  NestLog,
  RedisActors,
  type Running,
} from '@kvasir/platform'
import { type DynamicModule, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { CompletionsController } from './api/completions.controller.js'
import { ErrorFilter } from './api/error.filter.js'
import { ModelsController } from './api/models.controller.js'
import { Engine } from './engine.js'
import { servingOf } from './serving.js'

/** Longest body of a request: a prompt of a million tokens as ids. */
const BODY_BYTES_MOST = 16 * 2 ** 20

/** What others bring when a cluster lives in one process; what is left out, the engine opens and closes itself. */
export interface EngineSurroundings {
  readonly stores?: ActorStores
  readonly device?: Device
}

export interface RunningEngine extends Running {
  readonly driver: EngineDriver
}

/**
 * Starts one engine: it joins its pool through the store, computes on its TP group, and serves the OpenAI API.
 * @throws {ProfileError} when the profile names what is not there.
 */
export async function start(
  profile: EngineProfile,
  surroundings: EngineSurroundings = {},
): Promise<RunningEngine> {
  const log = appLog(profile.engine, profile.log)
  const serving = servingOf(profile)
  const opened: { close(): void }[] = []
  const own = <T extends { close(): void }>(thing: T): T => {
    opened.push(thing)
    return thing
  }
  const stores = surroundings.stores ?? own(new RedisActors(profile.store))
  const device = surroundings.device ?? own(new RemoteGroup(profile.device))
  const driver = new EngineDriver({
    engine: profile.engine,
    store: stores.actor(profile.pool.id),
    device,
    machine: (incarnation) => serving.machine(incarnation),
    heartbeatUs: profile.settings.heartbeatUs,
    news: (news: EngineNews) => log.warn(news, news.kind),
  })
  const app = await NestFactory.create<NestFastifyApplication>(
    moduleOf(new Engine(profile, serving, driver)),
    new FastifyAdapter({ bodyLimit: BODY_BYTES_MOST, forceCloseConnections: true }),
    { logger: new NestLog(log) },
  )
  app.useGlobalFilters(new ErrorFilter(log))
  await app.listen(profile.http.port, profile.http.host)
  const url = await app.getUrl()
  driver.start().catch((error: unknown) => log.error({ err: error }, 'the store cannot be listened to'))
  log.info({ url, model: profile.model.name, pool: profile.pool.id }, 'ready')
  return {
    url,
    driver,
    stop: async () => {
      await driver.stop({ drainMs: profile.drainMs })
      await app.close()
      for (const thing of opened) thing.close()
      log.info('stopped')
    },
  }
}

@Module({})
class EngineModule {}

function moduleOf(engine: Engine): DynamicModule {
  return {
    module: EngineModule,
    controllers: [CompletionsController, ModelsController],
    providers: [{ provide: Engine, useValue: engine }],
  }
}
