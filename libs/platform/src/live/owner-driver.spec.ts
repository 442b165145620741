import type { DeviceAnswer } from '@kvasir/contracts'
import {
  defaultOwnerTimings,
  Ear,
  type HeldBundles,
  type Hosted,
  type HostedInput,
  type HostedOutput,
  OwnerMachine,
} from '@kvasir/coordinator-core'
import { FrailDevice, SimulatedGroup } from '@kvasir/devices'
import { SeededRng } from '@kvasir/kernel'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MemoryActors } from './memory-actors.js'
import { OwnerDriver } from './owner-driver.js'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Nothing is said here. */
const deaf = new Ear({ letter: () => undefined, heartbeat: () => undefined, word: () => undefined })

const close = { kind: 'close', engine: 'a', incarnation: 1 } as const

/** Takes from an engine what it has, for as long as the device says that it has something. */
class Evictor implements Hosted {
  readonly mappings: (readonly HeldBundles[])[] = []
  #begun = false

  nextDeadline(): number | undefined {
    return this.#begun ? undefined : 0
  }

  pack(): string {
    return ''
  }

  step(_now: number, input: HostedInput): HostedOutput {
    const nothing = { documents: [], log: [], device: [], retired: [], changed: false }
    if (input.kind === 'wake' && !this.#begun) {
      this.#begun = true
      return { ...nothing, device: [close] }
    }
    if (input.kind !== 'mapping') return nothing
    this.mappings.push(input.held)
    return input.held.length > 0 ? { ...nothing, device: [close] } : nothing
  }
}

/** A group on which engine `a` has three bundles. */
async function groupOfOne(): Promise<SimulatedGroup> {
  const group = new SimulatedGroup({
    machine: { bundles: 10, arbitration: 'claims' },
    costOf: () => ({ stepUs: () => 1_000 }),
  })
  const answers: DeviceAnswer[] = []
  const line = group.connect({ answer: (answer) => answers.push(answer), lost: () => undefined })
  line.send({
    kind: 'open',
    engine: 'a',
    incarnation: 1,
    model: 'm',
    blockBytesPerRank: 1_000,
    share: 1,
  })
  line.send({ kind: 'map', engine: 'a', incarnation: 1, epoch: 1, bundles: 3 })
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  cleanUps.push(() => group.close())
  return group
}

describe('OwnerDriver', () => {
  it('says again what was lost with the line to the device, until the device has done it', async () => {
    const group = await groupOfOne()
    const device = new FrailDevice(group)
    const hosted = new Evictor()
    let lost = 0
    device.loses = (command) => command.kind === 'close' && ++lost <= 1
    const driver = new OwnerDriver({
      machine: new OwnerMachine({
        timings: defaultOwnerTimings,
        process: 'c',
        rng: new SeededRng(1, 'owner-driver'),
        device: true,
        host: () => hosted,
      }),
      store: new MemoryActors().actor('p'),
      ears: deaf,
      device,
    })
    cleanUps.push(() => driver.stop())
    await driver.start()
    await vi.waitFor(() => expect(hosted.mappings.at(-1)).toEqual([]), 20_000)
    expect(hosted.mappings[0]).toEqual([{ engine: 'a', incarnation: 1, bundles: 3 }])
    expect(group.machine.bundles.free).toBe(10)
  })
})
