import {
  type CoordinatorPool,
  type CoordinatorProfile,
  engineMessageSchema,
  operatorLetterSchema,
  parseDocument,
  poolReportSchema,
  poolWordSchema,
} from '@kvasir/contracts'
import {
  CLUSTER_ACTOR,
  ClusterHost,
  defaultOwnerTimings,
  type OwnerEffect,
  OwnerMachine,
  type OwnerOptions,
  ordersAtFirst,
  PoolHost,
  poolPeer,
} from '@kvasir/coordinator-core'
import type { Device } from '@kvasir/devices'
import { SeededRng } from '@kvasir/kernel'
import { type ActorStores, OwnerDriver, type Schema } from '@kvasir/platform'
import type { PoolSetup } from './pool-setup.js'

/** How long a change waits for others before the cluster is divided anew. */
const GATHER_US = 50_000
/** Coordinators begin to ask for offices within this time, ms, each in an order of its own: so they share them. */
const SPREAD_MS = 2_000

/** An office that this process has. */
export interface Office {
  readonly actor: string
  readonly epoch: number
}

/** An office was taken or left. */
export interface OfficeNews {
  readonly actor: string
  readonly effect: OwnerEffect
}

export interface OfficesOptions {
  readonly profile: CoordinatorProfile
  readonly setups: ReadonlyMap<string, PoolSetup>
  readonly stores: ActorStores
  deviceOf(pool: CoordinatorPool): Device
  readonly news: (news: OfficeNews) => void
}

/** One process's part in owning the cluster and its pools: every coordinator would own each of them, and one of them does. */
export class Offices {
  readonly #options: OfficesOptions
  readonly #drivers: readonly { readonly actor: string; readonly driver: OwnerDriver }[]
  readonly #held = new Map<string, Office>()
  readonly #starts: NodeJS.Timeout[] = []

  constructor(options: OfficesOptions) {
    this.#options = options
    const { profile } = options
    this.#drivers = [
      { actor: CLUSTER_ACTOR, driver: this.#cluster() },
      ...profile.pools.map((pool) => ({ actor: pool.id, driver: this.#pool(pool) })),
    ]
  }

  /** Those that this process has at present. */
  get held(): readonly Office[] {
    return [...this.#held.values()]
  }

  start(failed: (error: unknown) => void): void {
    const { coordinator } = this.#options.profile
    const own = [...this.#drivers].sort(
      (a, b) => hashOf(`${coordinator}/${a.actor}`) - hashOf(`${coordinator}/${b.actor}`),
    )
    own.forEach(({ driver }, i) => {
      const afterMs = (SPREAD_MS * i) / own.length
      this.#starts.push(setTimeout(() => driver.start().catch(failed), afterMs))
    })
  }

  /** Hands every office over. */
  async stop(): Promise<void> {
    for (const begin of this.#starts) clearTimeout(begin)
    await Promise.all(this.#drivers.map(({ driver }) => driver.stop()))
  }

  #pool(pool: CoordinatorPool): OwnerDriver {
    const { setups, stores, deviceOf } = this.#options
    const setup = setups.get(pool.id)
    if (!setup) throw new RangeError(`pool ${pool.id} has no setup`)
    const machine = this.#machine(pool.id, true, (now, takeover) => {
      return new PoolHost(now, takeover, {
        pool: setup.options,
        decode: (text) => read(engineMessageSchema, text),
        decodeWord: (text) => {
          const word = read(poolWordSchema, text)
          if (word) setup.learn(word.shares.models)
          return word
        },
      })
    })
    return new OwnerDriver({
      machine,
      store: stores.actor(pool.id),
      device: deviceOf(pool),
      above: { store: stores.actor(CLUSTER_ACTOR), peer: poolPeer(pool.id) },
      observe: (effect) => this.#note(pool.id, effect),
    })
  }

  #cluster(): OwnerDriver {
    const { profile, stores } = this.#options
    const machine = this.#machine(CLUSTER_ACTOR, false, (_now, takeover) => {
      return new ClusterHost(takeover, {
        gatherUs: GATHER_US,
        weighs: profile.clusterShares,
        orders: ordersAtFirst(profile),
        decodeReport: (text) => read(poolReportSchema, text),
        decodeLetter: (text) => read(operatorLetterSchema, text),
      })
    })
    const observe = (effect: OwnerEffect) => this.#note(CLUSTER_ACTOR, effect)
    return new OwnerDriver({ machine, store: stores.actor(CLUSTER_ACTOR), observe })
  }

  #machine(actor: string, device: boolean, host: OwnerOptions['host']): OwnerMachine {
    const { coordinator } = this.#options.profile
    // Names of acquisitions must differ between the runs of a process too.
    const rng = new SeededRng(Math.floor(Math.random() * 2 ** 32), `${coordinator}/${actor}`)
    return new OwnerMachine({ timings: defaultOwnerTimings, process: coordinator, rng, device, host })
  }

  #note(actor: string, effect: OwnerEffect): void {
    if (effect.kind === 'took_office') this.#held.set(actor, { actor, epoch: effect.epoch })
    else if (effect.kind === 'left_office') this.#held.delete(actor)
    else return
    this.#options.news({ actor, effect })
  }
}

/** What others wrote into the store; undefined when it is not what it should be. */
function read<T>(schema: Schema<T>, text: string): T | undefined {
  try {
    const parsed = parseDocument(schema, JSON.parse(text))
    return parsed.kind === 'parsed' ? parsed.value : undefined
  } catch {
    return undefined
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
