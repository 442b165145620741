import type { DeviceCommand } from '@kvasir/contracts'
import type { Device, DeviceLine, DeviceListener } from '../device.js'

interface Open {
  readonly line: DeviceLine
  lose(): void
}

/** A device in another process, as its users see it: its lines may be lost, and for a while it may not be reached at all. */
export class FrailDevice implements Device {
  readonly #device: Device
  readonly #lines = new Set<Open>()
  /** What has arrived. */
  readonly heard: DeviceCommand[] = []
  /** Commands that are lost together with the line over which they are sent. */
  loses: (command: DeviceCommand) => boolean = () => false
  reachable = true

  constructor(device: Device) {
    this.#device = device
  }

  connect(listener: DeviceListener): DeviceLine {
    if (!this.reachable) {
      queueMicrotask(() => listener.lost('not reached'))
      return { send: () => undefined, close: () => undefined }
    }
    let live = true
    const line = this.#device.connect({
      connected: () => live && listener.connected?.(),
      answer: (answer, highestEpoch) => live && listener.answer(answer, highestEpoch),
      lost: (reason) => live && listener.lost(reason),
    })
    const lose = () => {
      live = false
      this.#lines.delete(open)
      line.close()
      queueMicrotask(() => listener.lost('the line is cut'))
    }
    const open: Open = { line, lose }
    this.#lines.add(open)
    const send = (command: DeviceCommand) => {
      if (!live) return
      if (this.loses(command)) return lose()
      this.heard.push(command)
      line.send(command)
    }
    const close = () => {
      live = false
      this.#lines.delete(open)
      line.close()
    }
    return { send, close }
  }

  /** Cuts every line; the device goes on. */
  cut(): void {
    for (const { lose } of this.#lines) lose()
  }
}
