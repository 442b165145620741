import {
  type CoordinatorProfile,
  type DecisionRecord,
  decisionRecordSchema,
  type ModelChange,
  type ModelStatus,
  parseDocument,
  type PoolOrders,
  type PoolStatus,
  type PoolView,
  poolViewSchema,
  type RegistryDocument,
  registryDocumentSchema,
} from '@kvasir/contracts'
import {
  CLUSTER_ACTOR,
  ordersAtFirst,
  type Ownership,
  REGISTRY_PEER,
  VIEW_PEER,
} from '@kvasir/coordinator-core'
import type { ActorStore, ActorStores, Schema } from '@kvasir/platform'
import { termsIn } from '../pool-setup.js'
import { Refusal } from './refusal.js'

/** Decisions that a question goes through at most, a pool: what is older is not explained here. */
const DECISIONS_SEARCHED = 20_000

/**
 * The cluster as its owners have written it into the store: any coordinator reads all of it, whoever owns what. Each call reads anew.
 * @throws {Refusal} from every call when the store does not answer.
 */
export class ClusterReader {
  readonly #profile: CoordinatorProfile
  readonly #stores: ActorStores

  constructor(profile: CoordinatorProfile, stores: ActorStores) {
    this.#profile = profile
    this.#stores = stores
  }

  get pools(): readonly string[] {
    return this.#profile.pools.map(({ id }) => id)
  }

  store(actor: string): ActorStore {
    return this.#stores.actor(actor)
  }

  // --- what operators say ---

  /** Registered models, by name: what the profile says, and over it what operators have changed. */
  async models(): Promise<readonly ModelStatus[]> {
    const [{ models }, views] = await Promise.all([this.registry(), this.views()])
    const engines = views.flatMap((view) => view.engines)
    return this.#changes(models)
      .filter(({ removed }) => removed === undefined)
      .map(({ model, revision, terms, draining, architecture }) => ({
        name: model,
        ...(architecture === undefined ? {} : { architecture }),
        revision,
        ...terms,
        draining,
        engines: engines.flatMap((engine) => (engine.model === model ? [engine.engine] : [])),
      }))
  }

  /** Revision of a model, also when it is registered no more; 0 when it never was. */
  async revisionOf(model: string): Promise<number> {
    const { models } = await this.registry()
    return models.find((change) => change.model === model)?.revision ?? 0
  }

  async orders(): Promise<PoolOrders> {
    return (await this.registry()).orders
  }

  async registry(): Promise<RegistryDocument> {
    const found = await this.#document(CLUSTER_ACTOR, REGISTRY_PEER, registryDocumentSchema)
    return found ?? { epoch: 0, models: [], orders: ordersAtFirst(this.#profile) }
  }

  #changes(changed: readonly ModelChange[]): readonly ModelChange[] {
    const byModel = new Map(
      this.#profile.models.map((model): [string, ModelChange] => {
        const { name, architecture } = model
        return [name, { model: name, revision: 0, terms: termsIn(model), draining: false, architecture }]
      }),
    )
    for (const change of changed) {
      const architecture = change.architecture ?? byModel.get(change.model)?.architecture
      byModel.set(change.model, { ...change, ...(architecture === undefined ? {} : { architecture }) })
    }
    return [...byModel.values()].sort((a, b) => (a.model < b.model ? -1 : 1))
  }

  // --- what pools are like ---

  /** Of the pools that have ever had an owner. */
  async views(): Promise<readonly PoolView[]> {
    const views = await Promise.all(this.pools.map((pool) => this.view(pool)))
    return views.flatMap((view) => view ?? [])
  }

  view(pool: string): Promise<PoolView | undefined> {
    return this.#document(pool, VIEW_PEER, poolViewSchema)
  }

  poolStatuses(): Promise<readonly PoolStatus[]> {
    return Promise.all(this.#profile.pools.map((pool) => this.#status(pool.id, pool.bundles)))
  }

  async #status(pool: string, bundles: number): Promise<PoolStatus> {
    const [view, own, orders] = await Promise.all([this.view(pool), this.ownership(pool), this.orders()])
    const owner = ownerIn(own)
    if (view) return { ...view.pool, owner }
    const { policy, observeOnly } = orders
    const nothing = { free: 0, leased: 0, reclaiming: 0, reserved: 0, quarantined: 0 }
    return {
      pool,
      owner,
      epoch: 0,
      round: 0,
      policy,
      observeOnly,
      bundles,
      ...nothing,
      capacityTokens: 0,
      engines: 0,
    }
  }

  async ownership(actor: string): Promise<Ownership | null> {
    const answer = await this.store(actor).own({ kind: 'observe' })
    if (answer.kind === 'observed') return answer.own
    throw away(answer.kind === 'failed' ? answer.detail : answer.kind)
  }

  // --- what was decided ---

  /** The newest of one pool, or of all, each pool's oldest first. @param wanted reads a line only if this says so. */
  async decisions(
    limit: number,
    pools: readonly string[] = this.pools,
    wanted: (line: string) => boolean = () => true,
  ): Promise<readonly DecisionRecord[]> {
    const logs = await Promise.all(pools.map((pool) => this.#log(pool, limit)))
    return logs.flatMap((lines) => lines.filter(wanted).flatMap(recordIn))
  }

  /** Everything still kept that was decided about one request, and rounds of its pool. */
  about(id: string): Promise<readonly DecisionRecord[]> {
    const quoted = JSON.stringify(id)
    return this.decisions(DECISIONS_SEARCHED, this.pools, (line) => line.includes(quoted))
  }

  async #log(pool: string, limit: number): Promise<readonly string[]> {
    try {
      return await this.store(pool).newestLog(limit)
    } catch (error) {
      throw away(error instanceof Error ? error.message : String(error))
    }
  }

  async #document<T>(actor: string, peer: string, schema: Schema<T>): Promise<T | undefined> {
    const answer = await this.store(actor).peer({ kind: 'read', peer })
    if (answer.kind === 'failed') throw away(answer.detail)
    if (answer.kind !== 'document' || answer.text === null) return undefined
    const parsed = parseDocument(schema, JSON.parse(answer.text))
    return parsed.kind === 'parsed' ? parsed.value : undefined
  }
}

/** A line of the log; lines that another version wrote are left out. */
export function recordIn(line: string): readonly DecisionRecord[] {
  const parsed = parseDocument(decisionRecordSchema, JSON.parse(line))
  return parsed.kind === 'parsed' ? [parsed.value] : []
}

/** Process of an acquisition, whose name is the process and a nonce; null: nobody is in office. */
function ownerIn(own: Ownership | null): string | null {
  if (own === null || own.by === '') return null
  return own.by.slice(0, own.by.lastIndexOf('-'))
}

function away(detail: string): Refusal {
  return Refusal.unavailable(`the store does not answer (${detail}); nothing was changed, ask again`)
}
