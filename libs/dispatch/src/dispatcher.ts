import { compareIds, hashText } from '@kvasir/kernel'

/** What is known of a replica when a request must be sent to one. */
export interface Replica {
  readonly engine: string
  /** Requests sent there and not yet ended: counted at the moment of sending, so that no report is waited for. */
  outstanding: number
}

/** What of a request decides where it goes. */
export interface Routable {
  readonly session: string | undefined
  /** Key of the longest shared prefix worth keeping together; undefined when there is none. */
  readonly prefix: string | undefined
}

export const dispatchPolicyNames = ['least-outstanding', 'round-robin', 'prefix-affinity', 'session'] as const
export type DispatchPolicyName = (typeof dispatchPolicyNames)[number]

/**
 * Index into `replicas` (sorted by engine id, not empty). `turn` counts the requests of this model dispatched so far.
 */
export type DispatchPolicy = (replicas: readonly Replica[], request: Routable, turn: number) => number

const roundRobin: DispatchPolicy = (replicas, _request, turn) => turn % replicas.length

/** Fewest outstanding; ties go round, so that equal replicas fill evenly. */
const leastOutstanding: DispatchPolicy = (replicas, _request, turn) => {
  const count = replicas.length
  let best = turn % count
  for (let i = 1; i < count; i++) {
    const candidate = (turn + i) % count
    if (replicas[candidate].outstanding < replicas[best].outstanding) best = candidate
  }
  return best
}

/** Rendezvous hashing: a key keeps its replica while that one lives, and only its keys move when it goes. */
function rendezvous(replicas: readonly Replica[], key: string): number {
  let best = 0
  let bestScore = -1
  for (let i = 0; i < replicas.length; i++) {
    const score = hashText(`${key}\n${replicas[i].engine}`)
    if (score > bestScore) {
      best = i
      bestScore = score
    }
  }
  return best
}

/** Most a favourite may be ahead of the least loaded replica before affinity gives way, in requests. */
const AFFINITY_SLACK = 8

function affine(key: (request: Routable) => string | undefined): DispatchPolicy {
  return (replicas, request, turn) => {
    const least = leastOutstanding(replicas, request, turn)
    const chosenKey = key(request)
    if (chosenKey === undefined) return least
    const favourite = rendezvous(replicas, chosenKey)
    return replicas[favourite].outstanding > replicas[least].outstanding + AFFINITY_SLACK ? least : favourite
  }
}

const policies: ReadonlyMap<DispatchPolicyName, DispatchPolicy> = new Map([
  ['round-robin', roundRobin],
  ['least-outstanding', leastOutstanding],
  ['prefix-affinity', affine((request) => request.prefix)],
  ['session', affine((request) => request.session)],
])

/** Which replica of one model takes a request. Replicas come and go; a request's place is counted until it ends. */
export class Dispatcher {
  #policy: DispatchPolicy
  #replicas: Replica[] = []
  #turn = 0

  constructor(policy: DispatchPolicyName = 'least-outstanding') {
    this.#policy = policies.get(policy) ?? leastOutstanding
  }

  get replicas(): readonly Replica[] {
    return this.#replicas
  }

  add(engine: string): void {
    this.#replicas.push({ engine, outstanding: 0 })
    this.#replicas.sort((a, b) => compareIds(a.engine, b.engine))
  }

  remove(engine: string): void {
    this.#replicas = this.#replicas.filter((replica) => replica.engine !== engine)
  }

  /** The replica for `request`, counted as outstanding there; undefined when the model has none. */
  choose(request: Routable): Replica | undefined {
    if (this.#replicas.length === 0) return undefined
    const chosen = this.#replicas[this.#policy(this.#replicas, request, this.#turn++)]
    chosen.outstanding++
    return chosen
  }

  ended(replica: Replica): void {
    replica.outstanding--
  }
}
