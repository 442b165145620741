export * from './device-wire.js'
export {
  DeviceServiceClient,
  DeviceServiceService,
  type SessionRequest,
  type SessionResponse,
} from './generated/kvasir/device/v1/device.js'
