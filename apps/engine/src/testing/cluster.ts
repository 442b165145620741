import { type DeviceSnapshot, engineProfileSchema } from '@kvasir/contracts'
import { type Device, type DeviceLine, SimulatedGroup, StepCosts } from '@kvasir/devices'
import { knownGpu } from '@kvasir/hardware'
import { MemoryActors, type OwnerDriver } from '@kvasir/platform'
import { type RunningEngine, start } from '../start.js'
import { POOL, poolOwner } from './pool-owner.js'

const SPEED_UP = 20

/** A device that can be taken away and given back. */
class FlakyDevice implements Device {
  #group: SimulatedGroup
  #lines: { readonly line: DeviceLine; readonly lost: (reason: string) => void }[] = []

  constructor(group: SimulatedGroup) {
    this.#group = group
  }

  connect(listener: Parameters<Device['connect']>[0]): DeviceLine {
    const line = this.#group.connect(listener)
    this.#lines.push({ line, lost: (reason) => listener.lost(reason) })
    return line
  }

  /** Every line is lost; another group is there afterwards, which knows what the last one did. */
  replace(make: (before: SimulatedGroup) => SimulatedGroup): void {
    const lines = this.#lines
    this.#lines = []
    for (const { line } of lines) line.close()
    this.#group.close()
    this.#group = make(this.#group)
    for (const { lost } of lines) lost('the device was replaced')
  }

  close(): void {
    this.#group.close()
  }
}

/** A pool with its owner, its TP group and its engines, all in this process. */
export class TestCluster {
  readonly #stores = new MemoryActors()
  readonly #device: FlakyDevice
  readonly #engines: RunningEngine[] = []
  readonly #owner: OwnerDriver

  private constructor(terms: Readonly<Record<string, object>>) {
    this.#device = new FlakyDevice(newGroup())
    this.#owner = poolOwner(this.#stores, this.#device, terms)
  }

  /** @param terms of each model. */
  static async start(terms: Readonly<Record<string, object>>): Promise<TestCluster> {
    const cluster = new TestCluster(terms)
    await cluster.#owner.start()
    return cluster
  }

  /** Starts a replica of a model, under the same name. */
  async engine(model: string, serving: object = {}): Promise<RunningEngine> {
    const profile = engineProfileSchema.parse({
      engine: `${model}@g0`,
      model: { name: model, architecture: 'Llama-3.1-8B' },
      pool: POOL,
      serving,
      device: 'unix:nowhere',
      store: { socket: 'nowhere' },
      http: { port: 0 },
      drainMs: 1_000,
      log: 'error',
    })
    const engine = await start(profile, { stores: this.#stores, device: this.#device })
    this.#engines.push(engine)
    return engine
  }

  /** The group is started anew from what its journal would have kept. */
  restartDevice(): void {
    this.#device.replace((before) => newGroup(before.machine.snapshot()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.stop()))
    await this.#owner.stop()
    this.#device.close()
  }
}

function newGroup(restored?: DeviceSnapshot): SimulatedGroup {
  const gpu = knownGpu(POOL.gpu)
  const costs = new StepCosts(gpu, POOL.tp)
  const machine = { bundles: POOL.bundles, arbitration: 'claims' as const, gpu }
  return new SimulatedGroup({
    machine: restored === undefined ? machine : { ...machine, restored },
    costOf: (open) => costs.of(open),
    speedUp: SPEED_UP,
  })
}
