import type { Carry } from '@kvasir/allocation'
import type { RoundRecord } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import type { Broker } from './broker.js'
import type { Member } from './member.js'
import type { MemoryRegime } from './memory-regime.js'
import type { MemoryRound } from './memory-round.js'
import type { PoolDecision } from './pool-decision.js'
import type { PoolOptions } from './pool-options.js'
import { decideRound } from './round-decision.js'
import { type RoundInput, roundInput } from './round-input.js'
import { sameButCarry } from './round-repeat.js'
import type { TokenRound } from './token-round.js'

/** Of rounds that nothing new is known for, one in so many is run. */
const STANDING_ROUNDS = 10

export interface RoundsParts {
  readonly options: PoolOptions
  readonly regime: MemoryRegime
  readonly ledger: Ledger
  readonly broker: Broker
  log(decision: PoolDecision): void
}

/** What happens in a round: token budgets first, then entitlements to memory and the moves that follow from them. */
export class Rounds {
  readonly #parts: RoundsParts
  /** Fractions of tokens owed from the round before. */
  #carry: Carry | undefined
  #newest: TokenRound | undefined
  /** From what the newest round was decided, and how many in a row have not been run since because they would have been too. */
  #input: RoundInput | undefined
  #leftOut = 0

  constructor(parts: RoundsParts) {
    this.#parts = parts
  }

  /** The division of tokens of the newest round. */
  get newest(): TokenRound | undefined {
    return this.#newest
  }

  /**
   * Whether the newest round stands: another one would move budgets by carried fractions alone. One in `STANDING_ROUNDS` is run all the same,
   * so that a fraction is not owed for ever; and every one where somebody has demand and no token, whose turn comes with its fraction.
   */
  stands(now: Micros, members: readonly Member[], weights?: readonly number[]): boolean {
    if (!this.#input || !this.#newest || this.#leftOut >= STANDING_ROUNDS - 1) return false
    if (this.#newest.shares.some(({ tokens, demandTokens }) => tokens === 0 && demandTokens > 0)) return false
    if (!sameButCarry(this.#inputOf(now, members, weights), this.#input)) return false
    this.#leftOut++
    return true
  }

  /**
   * Divides anew, marks whoever gets something else than before, and says what was done.
   * @param weights in place of the members' own, if the cluster has a word in it.
   */
  run(now: Micros, members: readonly Member[], number: number, weights?: readonly number[]): RoundRecord {
    for (const member of members) member.divided = member.heartbeat
    const { log } = this.#parts
    const input = this.#inputOf(now, members, weights)
    this.#input = input
    this.#leftOut = 0
    const answer = decideRound(input)
    log({ kind: 'round', atUs: now, round: number, input, answer })
    const { tokens, memory } = answer
    this.#carry = tokens.carry
    this.#newest = tokens
    this.#assertSumLaw(tokens, number)
    applyBudgets(members, tokens)
    this.#moveMemory(now, members, memory)
    return this.#record(members, tokens, number)
  }

  #inputOf(now: Micros, members: readonly Member[], weights?: readonly number[]): RoundInput {
    const { options, ledger } = this.#parts
    return roundInput(now, members, { options, ledger, carry: this.#carry, weights })
  }

  /** Law 1, except under the one policy that has no shares. */
  #assertSumLaw({ capacity, charged, divided }: TokenRound, number: number): void {
    const { pool, policy } = this.#parts.options
    if (policy === 'uncoordinated') return
    invariant(
      divided <= Math.max(0, capacity - charged),
      () => `round ${number} of ${pool}: ${divided} tokens beside ${charged}, of ${capacity}`,
    )
  }

  #moveMemory(now: Micros, members: readonly Member[], division: MemoryRound): void {
    const { options, ledger, broker, regime } = this.#parts
    const { bundles, terms } = options
    members.forEach((member, i) => {
      member.entitledBundles = division.entitlements[i]
    })
    regime.move({ now, members, division, ledger, broker, bundles, terms })
  }

  #record(members: readonly Member[], round: TokenRound, number: number): RoundRecord {
    const { ledger } = this.#parts
    return {
      round: number,
      capacityTokens: round.capacity,
      contended: round.contended,
      freeBundles: ledger.free,
      conditions: round.conditions,
      shares: members.map((member, i) => ({
        engine: member.engine,
        demandTokens: round.shares[i].demandTokens,
        tokens: round.shares[i].tokens,
        lentTokens: round.shares[i].lentTokens,
        idealTokens: round.shares[i].idealTokens,
        leaseBundles: ledger.leasedTo(member.engine),
        entitledBundles: member.entitledBundles,
        inUseBundles: member.heartbeat?.inUse ?? 0,
      })),
    }
  }
}

function applyBudgets(members: readonly Member[], round: TokenRound): void {
  members.forEach((member, i) => {
    const share = round.shares[i]
    if (share.tokens === member.tokens && share.lentTokens === member.lentTokens) return
    member.tokens = share.tokens
    member.lentTokens = share.lentTokens
    member.floorTokens = share.floorTokens
    member.dirty = true
  })
}
