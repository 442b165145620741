import {
  type DecisionRecord,
  decisionRecordSchema,
  type DonorsDecisionRecord,
  type EndDecisionRecord,
  parseDocument,
  type RoundDecisionRecord,
} from '@kvasir/contracts'
import { replayRecord } from '@kvasir/coordinator-core'
import { type Check, Checking } from './check.js'
import { RankChecks, type RankNumbers, type StoppedWork } from './rank-checks.js'

/** Rounds for which an engine with demand may get nothing, beyond one for each engine of its pool. */
const ROUNDS_OF_GRACE = 3

/**
 * The laws that can be seen in what owners decided.
 * @param logs lines of each pool's log, in order.
 * @param stopped what engines stopped for each other.
 */
export function checkDecisions(
  logs: ReadonlyMap<string, readonly string[]>,
  stopped: readonly StoppedWork[],
): { readonly checks: readonly Check[]; readonly rank: RankNumbers } {
  const rank = new RankChecks()
  const checks = {
    budgets: new Checking('1', 'the budgets of a round add up to no more than its capacity'),
    bundles: new Checking('2', 'what a round says is leased, free and quarantined is no more than exists'),
    order: new Checking('3', 'an epoch has one owner: its rounds only rise, and it does not come back'),
    ends: new Checking('4', 'a request for memory has one end, and the same one when asked again'),
    open: new Checking('4', 'a request that was followed by another of the same run has an end'),
    service: new Checking('7', 'an engine with demand is served within a bounded number of rounds'),
    replay: new Checking('9', 'a decision taken again from its record has the same bytes'),
  }
  for (const [pool, lines] of logs) {
    const records = lines.map((line) => recordIn(pool, line))
    const requests = new Requests()
    const rounds = new Rounds(pool)
    records.forEach((record, i) => {
      checks.replay.that(
        JSON.stringify(replayRecord(record)) === lines[i],
        () => `${pool}: ${lines[i].slice(0, 120)}`,
      )
      if (record.kind === 'round') {
        if (rounds.note(record, checks) === 'store forgot') requests.forgetOpen()
        checkRound(record, checks)
      } else if (record.kind === 'donors') {
        requests.asked(record)
        rank.decided(record)
      } else requests.ended(record, checks.ends)
    })
    requests.checkOpen(checks.open)
  }
  rank.stopped(stopped)
  return {
    checks: [...Object.values(checks).map(({ result }) => result), ...rank.results],
    rank: rank.numbers,
  }
}

function recordIn(pool: string, line: string): DecisionRecord {
  const parsed = parseDocument(decisionRecordSchema, JSON.parse(line))
  if (parsed.kind === 'parsed') return parsed.value
  throw new Error(`decision log of ${pool}: ${parsed.problems.join('; ')}`)
}

function checkRound(record: RoundDecisionRecord, checks: Readonly<Record<'budgets' | 'bundles', Checking>>) {
  const { pool, epoch, round, engines, answer, bundles, free, quarantined } = record
  const name = () => `${pool}, epoch ${epoch}, round ${round}`
  // Tokens are whole: of each engine less than one token is rounded away, and none is rounded up.
  const spent = answer.shares.reduce((sum, [tokens], i) => sum + tokens * engines[i][9], 0)
  checks.budgets.that(
    spent <= answer.capacity + 1e-6 * answer.capacity,
    () => `${name()}: budgets of ${spent} units, capacity ${answer.capacity}`,
  )
  const leased = engines.reduce((sum, row) => sum + row[12], 0)
  checks.bundles.that(
    leased + free + quarantined <= bundles,
    () => `${name()}: ${leased} leased, ${free} free, ${quarantined} quarantined of ${bundles}`,
  )
}

/** Rounds of one pool, in order. */
class Rounds {
  readonly #pool: string
  #epoch = 0
  #round = 0
  /** Epochs after which another one was decided under. */
  readonly #over = new Set<number>()
  /** By engine and run of an owner: rounds with demand and without a token. */
  readonly #hungry = new Map<string, number>()

  constructor(pool: string) {
    this.#pool = pool
  }

  /** Whether the record is of an owner who had no state to go on from: his rounds begin anew. */
  note(
    record: RoundDecisionRecord,
    { order, service }: Readonly<Record<'order' | 'service', Checking>>,
  ): 'store forgot' | 'in order' {
    const { epoch, round, engines, answer } = record
    // A store that has forgotten everything may let a lower epoch begin; nobody obeys it, and it never comes back either.
    const rises = epoch === this.#epoch ? round > this.#round : !this.#over.has(epoch)
    order.that(
      rises,
      () => `${this.#pool}: round ${round} of epoch ${epoch} after ${this.#round} of ${this.#epoch}`,
    )
    if (epoch !== this.#epoch) {
      this.#hungry.clear()
      this.#over.add(this.#epoch)
    }
    const forgot = epoch !== this.#epoch && round < this.#round
    this.#epoch = epoch
    this.#round = round
    engines.forEach(([engine, , , , , , liveness, demandTokens], i) => {
      const wants = demandTokens > 0 && liveness === 'live'
      const rounds = wants && answer.shares[i][0] === 0 ? (this.#hungry.get(engine) ?? 0) + 1 : 0
      this.#hungry.set(engine, rounds)
      if (!wants) return
      service.that(
        rounds <= engines.length + ROUNDS_OF_GRACE,
        () => `${engine} asks for ${demandTokens} tokens and got none in ${rounds} rounds`,
      )
    })
    return forgot ? 'store forgot' : 'in order'
  }
}

/** Requests for memory in one pool, by id: `engine/incarnation/number`. */
class Requests {
  readonly #asked = new Set<string>()
  readonly #ends = new Map<string, string>()

  asked({ request }: DonorsDecisionRecord): void {
    this.#asked.add(request.id)
  }

  ended({ id, answer }: EndDecisionRecord, ends: Checking): void {
    const { outcome } = answer
    const end = JSON.stringify(outcome)
    const known = this.#ends.get(id) ?? end
    ends.that(known === end, () => `${id} ended as ${known}, then as ${end}`)
    this.#ends.set(id, known)
    this.#asked.add(id)
  }

  /** Nobody knows of them any more: their engines withdraw them when their time is over, and that is not on record. */
  forgetOpen(): void {
    for (const id of this.#asked) if (!this.#ends.has(id)) this.#asked.delete(id)
  }

  /** A run has one request at a time: an earlier one must have ended before. */
  checkOpen(open: Checking): void {
    const newest = new Map<string, number>()
    const parts = (id: string) => ({ run: id.slice(0, id.lastIndexOf('/')), number: numberOf(id) })
    for (const id of this.#asked) {
      const { run, number } = parts(id)
      newest.set(run, Math.max(newest.get(run) ?? 0, number))
    }
    for (const id of this.#asked) {
      const { run, number } = parts(id)
      if (number < (newest.get(run) ?? 0)) open.that(this.#ends.has(id), () => `${id} has no end`)
    }
  }
}

function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('/') + 1))
}
