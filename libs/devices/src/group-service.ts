import type { DeviceAnswer } from '@kvasir/contracts'
import {
  commandIn,
  DeviceServiceService,
  responseOf,
  type SessionRequest,
  type SessionResponse,
  WireError,
} from '@kvasir/wire'
import { Metadata, type Server, type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { Device } from './device.js'

type Call = ServerDuplexStream<SessionRequest, SessionResponse>

/** Serves a device over gRPC: each stream is a line to it (`proto/kvasir/device/v1`). */
export function serveDevice(server: Server, device: Device): void {
  server.addService(DeviceServiceService, { session: (call: Call) => session(call, device) })
}

/** What a broken request breaks is its own session alone. */
function session(call: Call, device: Device): void {
  const line = device.connect({
    answer: (answer: DeviceAnswer, highestEpoch) => void call.write(responseOf(answer, highestEpoch ?? 0)),
    lost: () => call.end(),
  })
  // Says at once that somebody is here: the first answer may be long in coming.
  call.sendMetadata(new Metadata())
  call.on('data', (request: SessionRequest) => {
    try {
      line.send(commandIn(request))
    } catch (error) {
      line.close()
      const known = error instanceof WireError || error instanceof RangeError
      const details = error instanceof Error ? error.message : String(error)
      call.emit('error', { code: known ? status.INVALID_ARGUMENT : status.INTERNAL, details })
    }
  })
  call.on('end', () => {
    line.close()
    call.end()
  })
  call.on('cancelled', () => line.close())
  call.on('error', () => line.close())
}
