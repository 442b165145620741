import {
  type DeviceSnapshot,
  engineProfileSchema,
  engineTermsSchema,
  type PoolView,
  type PoolWord,
  poolViewSchema,
} from '@kvasir/contracts'
import { type Device, type DeviceLine, SimulatedGroup, StepCosts } from '@kvasir/devices'
import { knownGpu } from '@kvasir/hardware'
import { MemoryActors, type OwnerDriver } from '@kvasir/platform'
import { CLUSTER_ACTOR, poolPeer, type PoolSpeech, VIEW_PEER } from '@kvasir/coordinator-core'
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

  mappedBy(engine: string): number {
    return this.#group.machine.mappedBy(engine)
  }

  /** Every line is lost; the group goes on, and hears of it. */
  cut(): void {
    const lines = this.#lines
    this.#lines = []
    for (const { line } of lines) line.close()
    for (const { lost } of lines) lost('the line was cut')
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
  readonly #owner: OwnerDriver<PoolSpeech>

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
      grpc: { port: 0 },
      drainMs: 1_000,
      log: 'error',
    })
    const engine = await start(profile, { stores: this.#stores, device: this.#device })
    this.#engines.push(engine)
    return engine
  }

  /** The pool as its owner shows it; undefined when it has not yet. */
  async view(): Promise<PoolView | undefined> {
    const answer = await this.#stores.actor(POOL.id).peer({ kind: 'read', peer: VIEW_PEER })
    if (answer.kind !== 'document' || answer.text === null) return undefined
    return poolViewSchema.parse(JSON.parse(answer.text))
  }

  /** An operator changes the terms of a model: the owner of the cluster, which is played here, tells the pool's owner. */
  async setTerms(model: string, terms: object): Promise<void> {
    const store = this.#stores.actor(CLUSTER_ACTOR)
    const seen = await store.own({ kind: 'observe' })
    if (seen.kind !== 'observed') throw new TypeError(seen.kind)
    const taken = await store.own({ kind: 'acquire', seen: seen.own, by: 'operator' })
    if (taken.kind !== 'acquired') throw new TypeError(taken.kind)
    const { term, version } = taken.own
    const change = { model, revision: term, terms: engineTermsSchema.parse(terms), draining: false }
    const word: PoolWord = {
      shares: { pool: POOL.id, epoch: term, sequence: 1, models: [change], weights: [] },
      orders: { revision: 0, policy: 'weighted-max-min', observeOnly: false },
    }
    const documents = [{ peer: poolPeer(POOL.id), text: JSON.stringify(word) }]
    const commit = { term, by: 'operator', version, id: String(term), epoch: term, documents }
    await store.own({ kind: 'commit', commit: { ...commit, log: [], positions: [] } })
  }

  /** The group is started anew from what its journal would have kept. */
  restartDevice(): void {
    this.#device.replace((before) => newGroup(before.machine.snapshot()))
  }

  /** Bundles that the group has mapped for an engine. */
  mappedBy(engine: string): number {
    return this.#device.mappedBy(engine)
  }

  /** The lines of all engines and of the owner to the group are lost, and nothing else is. */
  cutLines(): void {
    this.#device.cut()
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
