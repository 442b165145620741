import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { GrpcAddress } from '@kvasir/contracts'
import { Server, ServerCredentials } from '@grpc/grpc-js'

const UNIX = 'unix:'

/** Largest message, bytes: a prompt of a million tokens as ids. */
const MESSAGE_BYTES_MOST = 16 * 2 ** 20

/** How often a client that says nothing is asked whether it is there, and how long it may take to answer, ms. */
const KEEPALIVE_MS = 5_000

export interface GrpcServer {
  /** `host:port` as bound, or `unix:PATH`. */
  readonly address: string
  /** Ends every call. */
  close(): void
}

/**
 * Serves gRPC. @param address as profiles have it, or `host:port`, or `unix:PATH`. @param add adds the services.
 * @throws {Error} when nothing can listen there.
 */
export async function listenGrpc(
  address: GrpcAddress | string,
  add: (server: Server) => void,
): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MOST,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  })
  add(server)
  const wanted = typeof address === 'string' ? address : textOf(address)
  if (wanted.startsWith(UNIX)) await removeDeadSocket(wanted.slice(UNIX.length))
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(wanted, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(new Error(`cannot listen at ${wanted}: ${error.message}`)) : resolve(port),
    )
  })
  return {
    address: wanted.startsWith(UNIX) ? wanted : wanted.replace(/\d+$/, String(bound)),
    close: () => server.forceShutdown(),
  }
}

function textOf(address: GrpcAddress): string {
  return 'socket' in address ? `${UNIX}${address.socket}` : `${address.host}:${address.port}`
}

/** A process that was killed leaves its socket behind; one that lives still answers there, and keeps it. */
async function removeDeadSocket(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (alive) throw new Error(`cannot listen at ${UNIX}${path}: another process does`)
  rmSync(path, { force: true })
}
