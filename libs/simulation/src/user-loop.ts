import { invariant, type Micros } from '@kvasir/kernel'
import type { RequestRecord, RequestStream } from '@kvasir/workload'

/** Users of a closed loop: each has one request under way, as the clients of serving benchmarks do. */
export interface UserGroup {
  readonly users: number
  /** When the first of them sends its first request, and how much later each of the others does than the one before it. */
  readonly startUs: Micros
  readonly startEveryUs: Micros
  /** From then on none is sent any more. */
  readonly endUs: Micros
  /** From the end of a request to the next one of the same user. */
  readonly thinkUs: Micros
  /** What they ask for, in the order of sending. Arrivals say nothing but what deadlines count from. */
  readonly requests: RequestStream
}

/** A client whose request was refused does not ask again at once; without a pause two machines could talk for ever in no time. */
const REFUSED_PAUSE_US: Micros = 100_000

/** Who sends when. The simulation has one event for each user that is about to send. */
export class UserLoop {
  readonly #groups: readonly UserGroup[]
  readonly #exhausted: boolean[]
  #sending = 0

  constructor(groups: readonly UserGroup[]) {
    for (const { users, thinkUs } of groups)
      invariant(users >= 1 && thinkUs >= 0, () => `${users} users who think for ${thinkUs} us`)
    this.#groups = groups
    this.#exhausted = groups.map(() => false)
  }

  /** Whether nobody is about to send. */
  get isSilent(): boolean {
    return this.#sending === 0
  }

  /** Every user's first sending, by group; the caller wakes the loop at these times. */
  start(): readonly { readonly group: number; readonly atUs: Micros }[] {
    return this.#groups.flatMap(({ users, startUs, startEveryUs }, group) =>
      Array.from({ length: users }, (_, user) => {
        this.#sending++
        return { group, atUs: startUs + user * startEveryUs }
      }),
    )
  }

  /** The request that a user of the group sends now; undefined when there is none left or the time is over. */
  send(group: number, now: Micros): RequestRecord | undefined {
    invariant(this.#sending > 0, () => `nobody of user group ${group} was about to send`)
    this.#sending--
    const { requests, endUs } = this.#groups[group]
    if (this.#exhausted[group] || now >= endUs) return undefined
    const record = requests.next()
    if (record === undefined) {
      this.#exhausted[group] = true
      return undefined
    }
    const { deadlineUs, arrivalUs } = record
    return {
      ...record,
      arrivalUs: now,
      deadlineUs: deadlineUs === undefined ? undefined : now + (deadlineUs - arrivalUs),
    }
  }

  /** When the user whose request has ended sends the next one; undefined when the group has none left. */
  ended(group: number, now: Micros, how: 'served' | 'refused'): Micros | undefined {
    if (this.#exhausted[group]) return undefined
    const { thinkUs } = this.#groups[group]
    this.#sending++
    return now + (how === 'refused' ? Math.max(thinkUs, REFUSED_PAUSE_US) : thinkUs)
  }
}
