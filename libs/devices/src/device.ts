import type { DeviceAnswer, DeviceCommand } from '@kvasir/contracts'

/** One user's line to a device: its commands are carried out in the order in which they are sent. */
export interface DeviceLine {
  send(command: DeviceCommand): void
  close(): void
}

/** What comes back over a line. */
export interface DeviceListener {
  /** The device is there and hears. Called once, before any answer and never within `connect`; what is sent earlier is not lost for that. */
  connected?(): void
  /** @param highestEpoch with a refusal: the highest epoch that the device knows. */
  answer(answer: DeviceAnswer, highestEpoch: number | undefined): void
  /** The line is gone; what was sent last may or may not have been carried out. Called at most once, and not after `close`. */
  lost(reason: string): void
}

/** A TP group, wherever it is. Each engine on it, and the owner of its pool, has a line of its own. */
export interface Device {
  connect(listener: DeviceListener): DeviceLine
}
