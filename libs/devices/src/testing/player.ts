import type { DeviceAnswer, DeviceCommand, StepShape } from '@kvasir/contracts'
import type { Device, DeviceLine } from '../device.js'

/** One decode: the smallest step there is. */
export const oneDecode: StepShape = {
  sequences: 1,
  totalTokens: 1,
  decodeSequences: 1,
  decodeContextTokens: 1,
  prefillTokens: 0,
  prefillContextTokens: 0,
  prefillPairs: 0,
}

type Told = { readonly answer: DeviceAnswer; readonly highestEpoch: number | undefined }

/** Somebody at a device's end of the line, who waits for its answers one by one. */
export class Player {
  readonly #line: DeviceLine
  readonly #told: Told[] = []
  #waiting: ((told: Told) => void) | undefined
  lost: string | undefined

  constructor(device: Device) {
    this.#line = device.connect({
      answer: (answer, highestEpoch) => this.#hear({ answer, highestEpoch }),
      lost: (reason) => {
        this.lost = reason
      },
    })
  }

  say(command: DeviceCommand): void {
    this.#line.send(command)
  }

  /** Says something and waits for the next answer. */
  async ask(command: DeviceCommand): Promise<DeviceAnswer> {
    this.say(command)
    return this.next()
  }

  async next(): Promise<DeviceAnswer> {
    return (await this.nextTold()).answer
  }

  nextTold(): Promise<Told> {
    const told = this.#told.shift()
    if (told) return Promise.resolve(told)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  hangUp(): void {
    this.#line.close()
  }

  #hear(told: Told): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting(told)
    else this.#told.push(told)
  }
}
