import {
  type CoordinatorProfile,
  coordinatorProfileSchema,
  parseDocument,
  type PoolSettings,
  type PoolSettingsInput,
  poolSettingsSchema,
} from '@kvasir/contracts'
import { SimulatedGroup, StepCosts } from '@kvasir/devices'
import { knownGpu, knownModel } from '@kvasir/hardware'
import { type ActorStores, EngineDriver } from '@kvasir/platform'
import { makeEngine, servedPlan, stepCostOf } from '@kvasir/simulation'
import { SyntheticContent } from '@kvasir/kv-cache'
import { type RunningCoordinator, start } from '../start.js'

const POOLS = ['left', 'right'].map((id) => ({ id, gpu: 'H100', tp: 1, pagesPerBundle: 4, bundles: 400 }))
export const ARCHITECTURE = 'Llama-3.1-8B'
const SPEED_UP = 10

/** Coordinators, two simulated groups and engines that are kept busy, all in this process. */
export class TestCluster {
  readonly coordinators: RunningCoordinator[] = []
  readonly #stores: (name: string) => ActorStores
  readonly #devices: ReadonlyMap<string, SimulatedGroup>
  readonly engines: EngineDriver[] = []
  #busy: NodeJS.Timeout | undefined

  readonly #settings: PoolSettings

  /** @param stores of one process each, all of the same cluster. */
  constructor(stores: (name: string) => ActorStores, settings: PoolSettingsInput = {}) {
    this.#stores = stores
    this.#settings = poolSettingsSchema.parse(settings)
    const gpu = knownGpu('H100')
    this.#devices = new Map(
      POOLS.map(({ id, bundles, tp }) => {
        const costs = new StepCosts(gpu, tp)
        const machine = { bundles, arbitration: 'claims', gpu } as const
        return [id, new SimulatedGroup({ machine, costOf: (open) => costs.of(open), speedUp: SPEED_UP })]
      }),
    )
  }

  async coordinator(name: string, rest: object = {}): Promise<RunningCoordinator> {
    const coordinator = await start(profileOf(name, { settings: this.#settings, ...rest }), {
      stores: this.#stores(name),
      devices: this.#devices,
    })
    this.coordinators.push(coordinator)
    return coordinator
  }

  /** Starts an engine of a model on a pool. */
  async engine(model: string, pool: string): Promise<EngineDriver> {
    const place = POOLS.find(({ id }) => id === pool)
    const device = this.device(pool)
    if (!place) throw new RangeError(`there is no pool ${pool}`)
    const settings = this.#settings
    const plan = servedPlan({
      name: model,
      model: knownModel(ARCHITECTURE),
      terms: { weight: 1, guarantee: 0, limit: 1, priority: 0, preemptible: true },
      slo: { ttftUs: undefined, tpotUs: undefined, e2eUs: undefined },
      engine: {},
      pools: [place],
      shared: true,
    })
    const cost = stepCostOf(plan, place)
    const policy = 'weighted-max-min'
    const engine = `${model}@${pool}`
    const driver = new EngineDriver({
      engine,
      store: this.#stores(engine).actor(pool),
      device,
      machine: (incarnation) =>
        makeEngine({ engine, incarnation, model: plan, pool: place, policy, settings, share: 1, cost }),
      heartbeatUs: settings.heartbeatUs,
    })
    await driver.start()
    this.engines.push(driver)
    return driver
  }

  get pools() {
    return POOLS
  }

  device(pool: string): SimulatedGroup {
    const device = this.#devices.get(pool)
    if (!device) throw new RangeError(`there is no pool ${pool}`)
    return device
  }

  /** The group does not know the engine any more, as if its owner had given its place away. */
  forgetEngine(pool: string, engine: string, incarnation: number): void {
    const line = this.device(pool).connect({ answer: () => {}, lost: () => {} })
    line.send({ kind: 'close', engine, incarnation })
    line.close()
  }

  /** Gives every engine more than it can do, for as long as the cluster lives: so many requests under way on each. */
  keepBusy({ requests = 40, outputTokens = 200 } = {}): void {
    let count = 0
    const done = { tokens: () => {}, finished: () => {}, refused: () => {}, ended: () => {} }
    this.#busy = setInterval(() => {
      for (const engine of this.engines) {
        // As much as is missing: how often this is called depends on what else the machine does.
        while (engine.ready && engine.unfinished <= requests) {
          const sequence = {
            id: `r${++count}`,
            promptTokens: 300,
            maxOutputTokens: outputTokens,
            priority: 0,
            arrivalUs: 0,
            content: new SyntheticContent({ uniqueSeed: count }),
          }
          const before = engine.unfinished
          engine.submit(sequence, done)
          if (engine.unfinished === before) break
        }
      }
    }, 20)
  }

  async stop(): Promise<void> {
    clearInterval(this.#busy)
    for (const engine of this.engines) await engine.stop()
    for (const coordinator of this.coordinators) await coordinator.stop()
    for (const device of this.#devices.values()) device.close()
  }
}

function profileOf(coordinator: string, rest: object): CoordinatorProfile {
  const parsed = parseDocument(coordinatorProfileSchema, {
    coordinator,
    pools: POOLS.map((pool) => ({ ...pool, device: 'unix:nowhere' })),
    models: [
      { name: 'chat', architecture: ARCHITECTURE, weight: 1, pools: ['left', 'right'] },
      { name: 'code', architecture: ARCHITECTURE, weight: 1, pools: ['left', 'right'] },
    ],
    store: { socket: 'nowhere' },
    http: { port: 0 },
    log: process.env['KVASIR_TEST_LOG'] ?? 'error',
    ...rest,
  })
  if (parsed.kind === 'refused') throw new TypeError(parsed.problems.join('; '))
  return parsed.value
}
