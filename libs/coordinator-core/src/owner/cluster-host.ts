import type {
  OperatorAnswer,
  OperatorAnswers,
  OperatorLetter,
  PoolOrders,
  PoolReport,
  PoolWord,
  RegistryDocument,
  ShareDocument,
} from '@kvasir/contracts'
import type { Epoch, Micros } from '@kvasir/kernel'
import { type ClusterEffect, ClusterMachine, type ClusterState } from '../cluster/cluster-machine.js'
import type { Hosted, HostedDocument, HostedInput, HostedOutput, Takeover } from './hosted.js'

export interface ClusterHostOptions {
  /** How long a change waits for others, see `ClusterOptions`. */
  readonly gatherUs: Micros
  /** Whether models are weighed over all their pools; else each pool divides by their own weights. */
  readonly weighs: boolean
  /** How pools are run until an operator says otherwise. */
  readonly orders: PoolOrders
}

/** What is said to the owner of the cluster: by coordinators, for operators, and by owners of pools. Nobody is above it. */
export interface ClusterSpeech {
  readonly letter: OperatorLetter
  readonly heartbeat: PoolReport
  readonly word: never
}

/** Peers of the cluster's owner: those of pools and coordinators, and the place of what everybody may read. */
export const CLUSTER_ACTOR = 'cluster'
export const REGISTRY_PEER = '#registry'
export function poolPeer(pool: string): string {
  return `pool:${pool}`
}
export function coordinatorPeer(coordinator: string): string {
  return `coordinator:${coordinator}`
}

type Said<K extends 'letter' | 'heartbeat'> = Extract<HostedInput<ClusterSpeech>, { kind: K }>

/** Answers that are kept for one coordinator: it has read an older one, or is not waiting for it any more. */
const ANSWERS_KEPT = 100

/** What the next owner of the cluster must know. */
interface ClusterHostState {
  readonly version: 1
  readonly cluster: ClusterState
  readonly orders: PoolOrders
  readonly answers: readonly (readonly [string, readonly OperatorAnswer[]])[]
}

/** The cluster's owner as an actor of the store: reports of pools and letters of operators in, words to pools and answers out. */
export class ClusterHost implements Hosted<ClusterSpeech> {
  readonly machine: ClusterMachine
  readonly #epoch: Epoch
  #orders: PoolOrders
  /** By coordinator. */
  readonly #answers: Map<string, readonly OperatorAnswer[]>
  /** By pool, what it was last told. */
  readonly #shares = new Map<string, ShareDocument>()
  /** The registry is to be told: it has changed, or this owner is new. */
  #registryDue = true

  constructor({ epoch, state: text }: Takeover, options: ClusterHostOptions) {
    const state = text === null ? undefined : stateIn(text)
    this.#epoch = epoch
    this.#orders = state?.orders ?? options.orders
    this.#answers = new Map(state?.answers)
    const { gatherUs, weighs } = options
    this.machine = new ClusterMachine({ epoch, gatherUs, weighs }, state?.cluster)
  }

  /** Whatever is said to the cluster is rung for. */
  get quiet(): boolean {
    return true
  }

  nextDeadline(): Micros | undefined {
    return this.#registryDue ? 0 : this.machine.nextDeadline()
  }

  pack(): string {
    const state: ClusterHostState = {
      version: 1,
      cluster: this.machine.pack(),
      orders: this.#orders,
      answers: [...this.#answers],
    }
    return JSON.stringify(state)
  }

  step(now: Micros, input: HostedInput<ClusterSpeech>): HostedOutput {
    const documents: HostedDocument[] = []
    if (input.kind === 'wake') this.#tell(this.machine.step(now, input), documents)
    if (input.kind === 'heartbeat') this.#report(now, input, documents)
    if (input.kind === 'letter') this.#letter(now, input, documents)
    if (this.#registryDue) documents.push({ peer: REGISTRY_PEER, body: this.#registry() })
    this.#registryDue = false
    return { documents, log: [], device: [], retired: [], changed: input.kind === 'letter' }
  }

  #report(now: Micros, { peer, message }: Said<'heartbeat'>, documents: HostedDocument[]) {
    // Nobody speaks for another pool.
    if (poolPeer(message.pool) !== peer) return
    this.#tell(this.machine.step(now, { kind: 'report', report: message }), documents)
  }

  #letter(now: Micros, { peer, message: letter }: Said<'letter'>, documents: HostedDocument[]) {
    const answers = this.#answers.get(peer) ?? []
    if (!answers.some(({ id }) => id === letter.id)) {
      const answer =
        letter.kind === 'model' ? this.#model(now, letter, documents) : this.#order(letter, documents)
      this.#answers.set(peer, [...answers.slice(1 - ANSWERS_KEPT), answer])
    }
    const told: OperatorAnswers = { answers: this.#answers.get(peer) ?? [] }
    documents.push({ peer, body: told })
  }

  #model(now: Micros, letter: Extract<OperatorLetter, { kind: 'model' }>, documents: HostedDocument[]) {
    const effects = this.machine.step(now, { kind: 'change', change: letter.change })
    this.#tell(effects, documents)
    const changed = effects.find((effect) => effect.kind === 'changed')
    const { kind, revision } = changed?.answer ?? { kind: 'conflict' as const, revision: 0 }
    if (kind === 'accepted') this.#registryDue = true
    return { id: letter.id, kind, revision }
  }

  #order(letter: Extract<OperatorLetter, { kind: 'orders' }>, documents: HostedDocument[]): OperatorAnswer {
    const { id, orders } = letter
    const { revision } = this.#orders
    if (orders.revision !== revision + 1)
      return { id, kind: orders.revision <= revision ? 'stale' : 'conflict', revision }
    this.#orders = orders
    this.#registryDue = true
    for (const shares of this.#shares.values()) documents.push(this.#wordFor(shares))
    return { id, kind: 'accepted', revision: orders.revision }
  }

  #tell(effects: readonly ClusterEffect[], documents: HostedDocument[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'shares') continue
      const { document: shares } = effect
      this.#shares.set(shares.pool, shares)
      documents.push(this.#wordFor(shares))
    }
  }

  #wordFor(shares: ShareDocument): HostedDocument {
    const word: PoolWord = { shares, orders: this.#orders }
    return { peer: poolPeer(shares.pool), body: word }
  }

  #registry(): RegistryDocument {
    return { epoch: this.#epoch, models: this.machine.pack().models, orders: this.#orders }
  }
}

/** Undefined when it cannot be read: then operators' changes are lost, and the registry says so by its revisions. */
function stateIn(text: string): ClusterHostState | undefined {
  try {
    const state: ClusterHostState = JSON.parse(text)
    return state.version === 1 ? state : undefined
  } catch {
    return undefined
  }
}
