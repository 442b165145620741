import type { CoordinatorPool, CoordinatorProfile, ModelChange } from '@kvasir/contracts'
import {
  CLUSTER_ACTOR,
  ClusterHost,
  type ClusterSpeech,
  defaultOwnerTimings,
  type OwnerEffect,
  OwnerMachine,
  type OwnerOptions,
  ordersAtFirst,
  PoolHost,
  poolPeer,
  type PoolSpeech,
  type Speech,
  spreadHash,
} from '@kvasir/coordinator-core'
import type { Device } from '@kvasir/devices'
import { SeededRng } from '@kvasir/kernel'
import {
  type ActorStores,
  BalanceDriver,
  clusterLanguage,
  OwnerDriver,
  type OwnerTransport,
  poolLanguage,
} from '@kvasir/platform'
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
  /** Through which peers are heard. */
  readonly transport: OwnerTransport
  deviceOf(pool: CoordinatorPool): Device
  readonly news: (news: OfficeNews) => void
}

/** One process's part in owning the cluster and its pools: every coordinator would own each of them, and one of them does. */
export class Offices {
  readonly #options: OfficesOptions
  readonly #drivers: readonly { readonly actor: string; readonly driver: OwnerDriver }[]
  readonly #held = new Map<string, Office>()
  readonly #starts: NodeJS.Timeout[] = []
  readonly #balance: BalanceDriver

  constructor(options: OfficesOptions) {
    this.#options = options
    const { profile } = options
    this.#drivers = [
      { actor: CLUSTER_ACTOR, driver: this.#cluster() },
      ...profile.pools.map((pool) => ({ actor: pool.id, driver: this.#pool(pool) })),
    ]
    this.#balance = new BalanceDriver({
      coordinator: profile.coordinator,
      stores: options.stores,
      handOver: (actor) => this.#drivers.find((driver) => driver.actor === actor)?.driver.handOver(),
      reluctance: (waitUs) => {
        for (const { driver } of this.#drivers) driver.reluctance(waitUs)
      },
    })
  }

  /** Those that this process has at present. */
  get held(): readonly Office[] {
    return [...this.#held.values()]
  }

  /** Models were registered or changed, as a pool's owner is told. */
  learn(pool: string, changes: readonly ModelChange[]): void {
    this.#options.setups.get(pool)?.learn(changes)
  }

  start(failed: (error: unknown) => void): void {
    const { coordinator } = this.#options.profile
    const own = [...this.#drivers].sort(
      (a, b) => spreadHash(`${coordinator}/${a.actor}`) - spreadHash(`${coordinator}/${b.actor}`),
    )
    own.forEach(({ driver }, i) => {
      const afterMs = (SPREAD_MS * i) / own.length
      this.#starts.push(setTimeout(() => driver.start().catch(failed), afterMs))
    })
    this.#balance.start()
  }

  /** Hands every office over. */
  async stop(): Promise<void> {
    for (const begin of this.#starts) clearTimeout(begin)
    this.#balance.stop()
    await Promise.all(this.#drivers.map(({ driver }) => driver.stop()))
  }

  #pool(pool: CoordinatorPool): OwnerDriver<PoolSpeech> {
    const { setups, stores, transport, deviceOf } = this.#options
    const setup = setups.get(pool.id)
    if (!setup) throw new RangeError(`pool ${pool.id} has no setup`)
    const machine = this.#machine<PoolSpeech>(pool.id, true, (now, takeover) => {
      return new PoolHost(now, takeover, { pool: setup.options })
    })
    return new OwnerDriver({
      machine,
      store: stores.actor(pool.id),
      ears: transport.ears(pool.id, poolLanguage),
      device: deviceOf(pool),
      above: { store: stores.actor(CLUSTER_ACTOR), peer: poolPeer(pool.id) },
      observe: (effect) => this.#note(pool.id, effect),
    })
  }

  #cluster(): OwnerDriver<ClusterSpeech> {
    const { profile, stores, transport } = this.#options
    const machine = this.#machine<ClusterSpeech>(CLUSTER_ACTOR, false, (_now, takeover) => {
      return new ClusterHost(takeover, {
        gatherUs: GATHER_US,
        weighs: profile.clusterShares,
        orders: ordersAtFirst(profile),
      })
    })
    const observe = (effect: OwnerEffect) => this.#note(CLUSTER_ACTOR, effect)
    const ears = transport.ears(CLUSTER_ACTOR, clusterLanguage)
    return new OwnerDriver({ machine, store: stores.actor(CLUSTER_ACTOR), ears, observe })
  }

  #machine<S extends Speech>(actor: string, device: boolean, host: OwnerOptions<S>['host']): OwnerMachine<S> {
    const { coordinator } = this.#options.profile
    // Names of acquisitions must differ between the runs of a process too.
    const rng = new SeededRng(Math.floor(Math.random() * 2 ** 32), `${coordinator}/${actor}`)
    return new OwnerMachine({ timings: defaultOwnerTimings, process: coordinator, rng, device, host })
  }

  #note(actor: string, effect: OwnerEffect): void {
    if (effect.kind === 'took_office') this.#held.set(actor, { actor, epoch: effect.epoch })
    else if (effect.kind === 'left_office') this.#held.delete(actor)
    else return
    this.#balance.held([...this.#held.keys()])
    this.#options.news({ actor, effect })
  }
}
