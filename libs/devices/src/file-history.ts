import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DeviceEvent, DeviceHistoryLine } from '@kvasir/contracts'
import { fileTrouble } from '@kvasir/event-log'
import type { DeviceHistory } from './simulated-group.js'

/**
 * All that has happened on a group, in a file that only grows: for audits. Unlike the journal it is not read again, and nobody waits for
 * the disk; a process that is killed has written what it did.
 */
export class FileHistory implements DeviceHistory {
  readonly #path: string
  readonly #descriptor: number

  /** @throws {OperationalError} when it cannot be opened. */
  constructor(path: string) {
    this.#path = path
    try {
      mkdirSync(dirname(path), { recursive: true })
      this.#descriptor = openSync(path, 'a')
    } catch (cause) {
      throw fileTrouble('write', path, cause)
    }
  }

  note(event: DeviceEvent): void {
    const line: DeviceHistoryLine = { atMs: Date.now(), event }
    try {
      writeSync(this.#descriptor, `${JSON.stringify(line)}\n`)
    } catch (cause) {
      throw fileTrouble('write', this.#path, cause)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
