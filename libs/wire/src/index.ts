export * from './device-wire.js'
export * from './operator-wire.js'
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
