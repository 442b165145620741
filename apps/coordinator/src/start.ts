import 'reflect-metadata'
import type { CoordinatorPool, CoordinatorProfile } from '@kvasir/contracts'
import { CLUSTER_ACTOR, coordinatorPeer } from '@kvasir/coordinator-core'
import { type Device, RemoteGroup } from '@kvasir/devices'
import {
  type ActorStores,
  appLog,
  connectTransport,
  listenGrpc,
  loggedTrouble,
  NestLog,
  OperatorClient,
  OwnerTransport,
  RedisActors,
  type Running,
} from '@kvasir/platform'
import { type DynamicModule, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { ClusterController } from './api/cluster.controller.js'
import { DecisionsController } from './api/decisions.controller.js'
import { HealthController } from './api/health.controller.js'
import { ModelsController } from './api/models.controller.js'
import { serveOpenApi } from './api/openapi.js'
import { OrdersController } from './api/orders.controller.js'
import { RefusalFilter } from './api/refusal.filter.js'
import { DESK, EXPLAINER, OFFICES, PROFILE, READER } from './api/tokens.js'
import { WatchController } from './api/watch.controller.js'
import { ExperimentBoard } from './board/experiment-board.js'
import { ClusterReader } from './desk/cluster-reader.js'
import { Explainer } from './desk/explainer.js'
import { ModelDesk } from './desk/model-desk.js'
import { OperatorDesk } from './desk/operator-desk.js'
import { serveOperators } from './grpc/operator-service.js'
import { servePools } from './grpc/pool-service.js'
import { type OfficeNews, Offices } from './offices.js'
import { ClusterMessages } from './owner/cluster-messages.controller.js'
import { PoolMessages } from './owner/pool-messages.controller.js'
import { poolSetups } from './pool-setup.js'

/** What others bring when a cluster lives in one process; what is left out, the coordinator opens and closes itself. */
export interface CoordinatorSurroundings {
  readonly stores?: ActorStores
  /** By pool. */
  readonly devices?: ReadonlyMap<string, Device>
}

export interface RunningCoordinator extends Running {
  readonly offices: Offices
  /** Where it answers gRPC, if the profile asks for it: `host:port`, or `unix:PATH`. */
  readonly grpc: string | undefined
}

/**
 * Starts one coordinator: it owns the cluster and its pools together with the others of its kind, and serves operators.
 * @throws {ProfileError} when the profile names what is not there.
 */
export async function start(
  profile: CoordinatorProfile,
  surroundings: CoordinatorSurroundings = {},
): Promise<RunningCoordinator> {
  const log = appLog(profile.coordinator, profile.log)
  const setups = poolSetups(profile)
  const opened: { close(): void }[] = []
  const own = <T extends { close(): void }>(thing: T): T => {
    opened.push(thing)
    return thing
  }
  const stores = surroundings.stores ?? own(new RedisActors(profile.store))
  const deviceOf = ({ id, device }: CoordinatorPool) =>
    surroundings.devices?.get(id) ?? own(new RemoteGroup(device))
  const news = ({ actor, effect }: OfficeNews) => log.info({ actor, ...effect }, effect.kind)
  const transport = new OwnerTransport((trouble) => log.error(loggedTrouble(trouble), trouble.kind))
  const offices = new Offices({ profile, setups, stores, transport, deviceOf, news })
  const reader = new ClusterReader(profile, stores)
  const deaf = (error: unknown) => log.error({ err: error }, 'the store cannot be listened to')
  const clusterOwner = new OperatorClient({
    store: stores.actor(CLUSTER_ACTOR),
    peer: coordinatorPeer(profile.coordinator),
    deaf,
  })
  const desk = new OperatorDesk(profile.coordinator, clusterOwner)
  const models = new ModelDesk(reader, desk)
  const explainer = new Explainer(reader)
  const unexpected = (error: unknown) => log.error({ err: error }, 'unexpected')
  const app = await NestFactory.create<NestFastifyApplication>(
    moduleOf({ profile, offices, reader, models, explainer }),
    new FastifyAdapter({ forceCloseConnections: true }),
    { logger: new NestLog(log) },
  )
  app.useGlobalFilters(new RefusalFilter(unexpected))
  serveOpenApi(app)
  // Stores that others brought may be memory; a Redis of the profile's is there.
  if (surroundings.stores === undefined) await own(new ExperimentBoard(profile.store)).serve(app)
  connectTransport(app, transport)
  await app.startAllMicroservices()
  await app.listen(profile.http.port, profile.http.host)
  const url = await app.getUrl()
  const grpc =
    profile.grpc &&
    (await listenGrpc(profile.grpc, (server) => {
      serveOperators(server, { reader, models, explainer, unexpected })
      servePools(server, { profile, stores, unexpected })
    }))
  void clusterOwner.connect()
  offices.start(deaf)
  log.info({ url, grpc: grpc?.address, pools: reader.pools }, 'ready')
  return {
    url,
    offices,
    grpc: grpc?.address,
    stop: async () => {
      await offices.stop()
      grpc?.close()
      clusterOwner.close()
      await app.close()
      for (const thing of opened) thing.close()
      log.info('stopped')
    },
  }
}

@Module({})
class CoordinatorModule {}

interface Parts {
  readonly profile: CoordinatorProfile
  readonly offices: Offices
  readonly reader: ClusterReader
  readonly models: ModelDesk
  readonly explainer: Explainer
}

function moduleOf({ profile, offices, reader, models, explainer }: Parts): DynamicModule {
  return {
    module: CoordinatorModule,
    controllers: [
      ModelsController,
      ClusterController,
      DecisionsController,
      OrdersController,
      WatchController,
      HealthController,
      PoolMessages,
      ClusterMessages,
    ],
    providers: [
      { provide: PROFILE, useValue: profile },
      { provide: OFFICES, useValue: offices },
      { provide: READER, useValue: reader },
      { provide: DESK, useValue: models },
      { provide: EXPLAINER, useValue: explainer },
    ],
  }
}
