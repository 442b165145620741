import {
  CLUSTER_PERIOD_US,
  isClusterWordFresh,
  type ModelChange,
  type PoolReport,
  type ShareDocument,
} from '@kvasir/contracts'
import type { Epoch, Micros } from '@kvasir/kernel'
import type { Member } from '../member.js'
import { isNewer } from './numbered.js'
import { type PoolNeeds, reportsDiffer } from './pool-report.js'

/** Rounds do not begin to the microsecond: one that comes a little early says what is due. */
const PERIOD_AT_LEAST_US = 0.95 * CLUSTER_PERIOD_US

/** A pool's side of its talk with the cluster: the last word from there, and what was last said. */
export class ClusterLink {
  readonly #pool: string
  readonly #epoch: Epoch
  #document: ShareDocument | undefined
  #heardUs: Micros = -Infinity
  #weights: ReadonlyMap<string, number> = new Map()
  /** Revision of the terms taken over, by model. */
  readonly #revisions = new Map<string, number>()
  readonly #draining = new Set<string>()
  #sequence = 0
  #said: PoolNeeds | undefined
  #saidUs: Micros = -Infinity

  constructor(pool: string, epoch: Epoch) {
    this.#pool = pool
    this.#epoch = epoch
  }

  /** Takes a document that is newer than the last one; returns the models whose terms it changes. */
  receive(now: Micros, document: ShareDocument): readonly ModelChange[] {
    const last = this.#document
    if (document.pool !== this.#pool || (last && !isNewer(document, last))) return []
    this.#document = document
    this.#heardUs = now
    this.#weights = new Map(document.weights.map(({ engine, weight }) => [engine, weight]))
    const changed = document.models.filter(
      ({ model, revision }) => revision > (this.#revisions.get(model) ?? 0),
    )
    for (const { model, revision, draining, removed } of changed) {
      this.#revisions.set(model, revision)
      if (draining || removed) this.#draining.add(model)
      else this.#draining.delete(model)
    }
    return changed
  }

  isDraining(model: string): boolean {
    return this.#draining.has(model)
  }

  /**
   * By which weights to divide, in the order of the members; undefined: by their models' own. Weights of the cluster compare with
   * each other alone, so whoever is not among them is given one that stands to theirs as the models' own do.
   */
  weightsFor(now: Micros, members: readonly Member[]): readonly number[] | undefined {
    if (!isClusterWordFresh(now - this.#heardUs)) return undefined
    let shared = 0
    let own = 0
    for (const { engine, terms } of members) {
      const weight = this.#weights.get(engine)
      if (weight === undefined) continue
      shared += weight
      own += terms.weight
    }
    if (own === 0) return undefined
    return members.map(
      ({ engine, terms }) =>
        this.#weights.get(engine) ?? Math.max(1, Math.round((terms.weight * shared) / own)),
    )
  }

  /** Whether the cluster has weights for the pool's engines, as far as it is known: else no report changes a plan. */
  get #isWeighed(): boolean {
    return this.#document === undefined || this.#document.weights.length > 0
  }

  /** What is to be said after a round: something once a period, and at once what changes the plan. */
  reportOf(now: Micros, needs: PoolNeeds): PoolReport | undefined {
    const due = now - this.#saidUs >= PERIOD_AT_LEAST_US
    if (!due && this.#said && (!this.#isWeighed || !reportsDiffer(this.#said, needs))) return undefined
    this.#said = needs
    this.#saidUs = now
    return { pool: this.#pool, epoch: this.#epoch, sequence: ++this.#sequence, ...needs }
  }
}
