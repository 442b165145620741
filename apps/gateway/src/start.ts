import 'reflect-metadata'
import type { GatewayProfile } from '@kvasir/contracts'
import { appLog, NestLog, ProfileError, type Running } from '@kvasir/platform'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Gateway, GatewayModule } from './gateway.module.js'
import { OpenAiErrors } from './openai-error.js'

/** Largest body of a request, bytes. */
const BODY_LIMIT = 8 * 2 ** 20

/** Longest time that what is under way has to end before it is broken off, ms. */
const DRAIN_MS = 5_000

/** Starts a gateway in this process. @throws {ProfileError} when it is told neither of engines nor of coordinators. */
export async function start(profile: GatewayProfile): Promise<Running> {
  if (profile.engines.length + profile.coordinators.length === 0)
    throw new ProfileError(['engines and coordinators are empty; one of them must say where engines are'])
  const log = appLog('gateway', profile.log)
  const gateway = new Gateway(profile, log)
  const adapter = new FastifyAdapter({ bodyLimit: BODY_LIMIT, forceCloseConnections: true })
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.with(gateway), adapter, {
    logger: new NestLog(log),
    rawBody: true,
  })
  app.useGlobalFilters(new OpenAiErrors())
  await app.listen(profile.http.port, profile.http.host)
  const url = await app.getUrl()
  log.info(`serving ${gateway.parts.replicas.models.join(', ')} at ${url}`)
  return {
    url,
    stop: async () => {
      await gateway.limits.idle(DRAIN_MS)
      await app.close()
    },
  }
}
