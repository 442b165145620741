import type { Server } from '@grpc/grpc-js'
import { type CompletionServiceServer, CompletionServiceService } from '@kvasir/wire'
import type { Engine } from '../engine.js'
import { complete } from './completion-call.js'
import { CompletionSession } from './completion-session.js'

/** Serves clients over gRPC as the controllers do over HTTP (`proto/kvasir/v1/completion.proto`). */
export function serveCompletions(server: Server, engine: Engine): void {
  const service: CompletionServiceServer = {
    complete: (call) => complete(call, engine),
    session: (call) => void new CompletionSession(call, engine),
  }
  server.addService(CompletionServiceService, service)
}
