export * from './completion-wire.js'
export * from './device-wire.js'
export * from './operator-wire.js'
export * from './pool-wire.js'
export {
  DeviceServiceClient,
  DeviceServiceService,
  type SessionRequest,
  type SessionResponse,
} from './generated/kvasir/device/v1/device.js'
export {
  CoordinatorServiceClient,
  type CoordinatorServiceServer,
  CoordinatorServiceService,
  type ExplainRequest,
  type ExplainResponse,
  type ListModelsResponse,
  type PatchModelResponse,
  type WatchResponse,
} from './generated/kvasir/v1/coordinator.js'
export {
  type CompleteRequest,
  type CompleteResponse,
  type Completion,
  type CompletionError,
  CompletionServiceClient,
  type CompletionServiceServer,
  CompletionServiceService,
  FinishReason,
  type SessionRequest as CompletionSessionRequest,
  type SessionResponse as CompletionSessionResponse,
} from './generated/kvasir/v1/completion.js'
export {
  type Attach,
  type Document as PoolDocument,
  type PoolSessionRequest,
  type PoolSessionResponse,
  PoolServiceClient,
  type PoolServiceServer,
  PoolServiceService,
} from './generated/kvasir/v1/pool.js'
