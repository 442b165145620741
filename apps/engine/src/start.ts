import 'reflect-metadata'
import type { EngineProfile } from '@kvasir/contracts'
import { type Device, RemoteGroup } from '@kvasir/devices'
import {
  type ActorStores,
  appLog,
  connectTransport,
  EngineDriver,
  type EngineNews,
  EngineTransport,
  listenGrpc,
  loggedTrouble,
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
import { serveCompletions } from './grpc/completion-service.js'
import { DocumentController } from './owner/document.controller.js'
import { noteStopped } from './note-stopped.js'
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
  /** Where it answers gRPC, if the profile asks for it: `host:port`, or `unix:PATH`. */
  readonly grpc: string | undefined
}

/**
 * Starts one engine: it joins its pool through the store, computes on its TP group, and serves the OpenAI API, and gRPC where
 * the profile says so.
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
  let reachedAt = profile.url
  const { heartbeatUs } = profile.settings
  const place = { engine: profile.engine, store: stores.actor(profile.pool.id), heartbeatUs }
  const transport = new EngineTransport({
    ...place,
    pool: profile.pool.id,
    news: (trouble) => log.error(loggedTrouble(trouble), trouble.kind),
  })
  const driver: EngineDriver = new EngineDriver({
    ...place,
    mail: transport.mail((document) => driver.document(document)),
    device,
    machine: (incarnation) => serving.machine(incarnation),
    url: () => reachedAt,
    news: (news: EngineNews) => log.warn(news, news.kind),
    observe: (effect) => noteStopped(log, effect, (slot) => driver.machine.scheduler.sequence(slot).priority),
  })
  const engine = new Engine(profile, serving, driver)
  const app = await NestFactory.create<NestFastifyApplication>(
    moduleOf(engine),
    new FastifyAdapter({ bodyLimit: BODY_BYTES_MOST, forceCloseConnections: true }),
    { logger: new NestLog(log) },
  )
  app.useGlobalFilters(new ErrorFilter(log))
  connectTransport(app, transport)
  await app.startAllMicroservices()
  await app.listen(profile.http.port, profile.http.host)
  const url = await app.getUrl()
  reachedAt ??= url
  const grpc = profile.grpc && (await listenGrpc(profile.grpc, (server) => serveCompletions(server, engine)))
  await driver.start()
  log.info({ url, grpc: grpc?.address, model: profile.model.name, pool: profile.pool.id }, 'ready')
  return {
    url,
    driver,
    grpc: grpc?.address,
    stop: async () => {
      await driver.stop({ drainMs: profile.drainMs })
      grpc?.close()
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
    controllers: [CompletionsController, ModelsController, DocumentController],
    providers: [{ provide: Engine, useValue: engine }],
  }
}
