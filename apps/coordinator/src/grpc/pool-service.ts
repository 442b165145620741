import { type CoordinatorProfile, parseDocument, profileNameSchema } from '@kvasir/contracts'
import type { ActorStores } from '@kvasir/platform'
import {
  type Attach,
  type PoolServiceServer,
  PoolServiceService,
  type PoolSessionRequest,
  type PoolSessionResponse,
  WireError,
} from '@kvasir/wire'
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js'
import { PoolSession } from './pool-session.js'

export interface PoolServiceParts {
  readonly profile: CoordinatorProfile
  readonly stores: ActorStores
  readonly unexpected: (error: unknown) => void
}

type Call = ServerDuplexStream<PoolSessionRequest, PoolSessionResponse>

/** Serves engines that do not speak to the store themselves (`proto/kvasir/v1/pool.proto`), for all pools: whoever owns them. */
export function servePools(server: Server, parts: PoolServiceParts): void {
  const service: PoolServiceServer = { poolSession: (call) => converse(call, parts) }
  server.addService(PoolServiceService, service)
}

function converse(call: Call, parts: PoolServiceParts): void {
  let session: PoolSession | undefined
  let failed = false
  call.on('data', ({ message }: PoolSessionRequest) => {
    if (failed) return
    try {
      if (session) session.hear(message)
      else session = begin(call, message, parts)
    } catch (error) {
      failed = true
      const refusal = refusalOf(error)
      if (refusal.code === status.INTERNAL) parts.unexpected(error)
      call.emit('error', refusal)
    }
  })
  // Who only listens was never attached.
  call.on('end', () => {
    if (!session && !failed) call.end()
  })
}

/** A session that cannot begin. */
class NotAttached extends Error {
  readonly code: status

  constructor(code: status, message: string) {
    super(message)
    this.code = code
  }
}

function begin(
  call: Call,
  message: PoolSessionRequest['message'],
  { profile, stores }: PoolServiceParts,
): PoolSession {
  if (message?.$case !== 'attach') {
    const said = message?.$case ?? 'nothing'
    throw new NotAttached(status.FAILED_PRECONDITION, `the first message is ${said}; it must be attach`)
  }
  const attach = checked(message.value)
  const pool = profile.pools.find(({ id }) => id === attach.pool)
  if (!pool) {
    const known = profile.pools.map(({ id }) => id).join(', ')
    throw new NotAttached(status.NOT_FOUND, `pool is "${attach.pool}"; it must be one of ${known}`)
  }
  return new PoolSession({ call, attach, pool, settings: profile.settings, store: stores.actor(pool.id) })
}

/** Names begin with a letter or digit: what else lies in the store is no engine's. */
function checked(attach: Attach): Attach {
  const { kind } = parseDocument(profileNameSchema, attach.engine)
  if (kind === 'refused')
    throw new WireError(
      `engine is "${attach.engine}"; it must be letters, digits and @ . _ -, beginning with a letter or digit`,
    )
  if (attach.incarnation === 0) throw new WireError('incarnation is 0; it must be above every earlier one')
  return attach
}

function refusalOf(error: unknown): { readonly code: status; readonly details: string } {
  const details = error instanceof Error ? error.message : String(error)
  if (error instanceof NotAttached) return { code: error.code, details }
  if (error instanceof WireError) return { code: status.INVALID_ARGUMENT, details }
  return { code: status.INTERNAL, details: 'the coordinator failed' }
}
