import type { HttpAddress } from '@kvasir/contracts'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { type OperatorServiceParts, serveOperators } from './operator-service.js'

/** Where operators reach a coordinator over gRPC. */
export interface OperatorServer {
  /** `host:port`, as bound. */
  readonly address: string
  close(): void
}

/** @throws {Error} when the address cannot be bound. */
export function listenForOperators(
  { host, port }: HttpAddress,
  parts: OperatorServiceParts,
): Promise<OperatorServer> {
  const server = new Server()
  serveOperators(server, parts)
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error)
      else resolve({ address: `${host}:${bound}`, close: () => server.forceShutdown() })
    })
  })
}
