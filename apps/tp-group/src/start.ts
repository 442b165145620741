import 'reflect-metadata'
import type { TpGroupProfile } from '@kvasir/contracts'
import { type SimulatedGroup, serveDevice } from '@kvasir/devices'
import { appLog, listenGrpc, NestLog, type Running } from '@kvasir/platform'
import { type DynamicModule, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { openGroup } from './group.js'
import { GROUP, GROUP_NAME, HealthController } from './health.controller.js'

export interface RunningGroup extends Running {
  /** For those in the same process: they need no gRPC. */
  readonly group: SimulatedGroup
}

/**
 * Starts one TP group: what it knew comes from its journal, engines and owners reach it over gRPC, and it tells its health over HTTP.
 * @throws {ProfileError} when the profile names what is not there.
 */
export async function start(profile: TpGroupProfile): Promise<RunningGroup> {
  const log = appLog(profile.group, profile.log)
  const { group, close } = openGroup(profile)
  const app = await NestFactory.create<NestFastifyApplication>(
    moduleOf(profile.group, group),
    new FastifyAdapter({ forceCloseConnections: true }),
    { logger: new NestLog(log) },
  )
  await app.listen(profile.http.port, profile.http.host)
  const server = await listenGrpc(profile.listen, (grpc) => serveDevice(grpc, group))
  const url = await app.getUrl()
  const { epoch, bundles } = group.machine
  log.info({ url, device: profile.listen, epoch, bundles: bundles.total, free: bundles.free }, 'ready')
  return {
    url,
    group,
    stop: async () => {
      server.close()
      close()
      await app.close()
      log.info('stopped')
    },
  }
}

@Module({})
class GroupModule {}

function moduleOf(name: string, group: SimulatedGroup): DynamicModule {
  return {
    module: GroupModule,
    controllers: [HealthController],
    providers: [
      { provide: GROUP_NAME, useValue: name },
      { provide: GROUP, useValue: group },
    ],
  }
}
