import type { DeviceAnswer, DeviceCommand } from '@kvasir/contracts'
import type { Clock } from '@kvasir/kernel'
import {
  answerIn,
  DeviceServiceClient,
  requestOf,
  type SessionRequest,
  type SessionResponse,
} from '@kvasir/wire'
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js'
import { monotonicClock } from './clock.js'
import type { Device, DeviceLine, DeviceListener } from './device.js'

/**
 * When a line without an answer is taken for dead, ms. A process that ends closes its sockets, and that is heard at once; these are for
 * a machine or a network that is gone, and longer than a busy process may be silent: its lease has run out by then whatever happened.
 */
const keepalive = { every: 5_000, answerWithin: 20_000 }

/** A TP group in another process, over gRPC. @see serveDevice */
export class RemoteGroup implements Device {
  readonly #client: DeviceServiceClient
  readonly #clock: Clock

  /** @param address `host:port`, or `unix:PATH`. */
  constructor(address: string, clock: Clock = monotonicClock) {
    this.#client = new DeviceServiceClient(address, credentials.createInsecure(), {
      'grpc.keepalive_time_ms': keepalive.every,
      'grpc.keepalive_timeout_ms': keepalive.answerWithin,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    })
    this.#clock = clock
  }

  connect(listener: DeviceListener): DeviceLine {
    return new RemoteLine(this.#client.session(), listener, this.#clock)
  }

  close(): void {
    this.#client.close()
  }
}

class RemoteLine implements DeviceLine {
  readonly #stream: ClientDuplexStream<SessionRequest, SessionResponse>
  readonly #listener: DeviceListener
  readonly #clock: Clock
  #open = true

  constructor(
    stream: ClientDuplexStream<SessionRequest, SessionResponse>,
    listener: DeviceListener,
    clock: Clock,
  ) {
    this.#stream = stream
    this.#listener = listener
    this.#clock = clock
    stream.on('metadata', () => {
      if (this.#open) listener.connected?.()
    })
    stream.on('data', (response: SessionResponse) => this.#received(response))
    stream.on('error', (error: Error) => this.#lost(error.message))
    stream.on('end', () => this.#lost('the device ended the session'))
  }

  send(command: DeviceCommand): void {
    if (this.#open) this.#stream.write(requestOf(command))
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#stream.end()
  }

  #received(response: SessionResponse): void {
    if (!this.#open) return
    const { answer, highestEpoch } = answerIn(response)
    this.#listener.answer(this.#onOurClock(answer), highestEpoch)
  }

  /** Clocks are not compared: how long a step took is the device's to say, when it ended is when we hear of it. */
  #onOurClock(answer: DeviceAnswer): DeviceAnswer {
    if (answer.kind !== 'executed') return answer
    const finishedUs = this.#clock.now()
    return { ...answer, startedUs: finishedUs - (answer.finishedUs - answer.startedUs), finishedUs }
  }

  #lost(reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.#listener.lost(reason)
  }
}
