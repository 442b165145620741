import { type BudgetPolicy, type Carry, policyByName } from '@kvasir/allocation'
import type { RoundRecord } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import type { Broker } from './broker.js'
import type { Member } from './member.js'
import type { MemoryRegime } from './memory-regime.js'
import { divideMemory, memoryClaims } from './memory-round.js'
import type { PoolOptions } from './pool-options.js'
import { divideTokens, type TokenRound } from './token-round.js'

export interface RoundsParts {
  readonly options: PoolOptions
  readonly regime: MemoryRegime
  readonly ledger: Ledger
  readonly broker: Broker
}

/** What happens in a round: token budgets first, then entitlements to memory and the moves that follow from them. */
export class Rounds {
  readonly #parts: RoundsParts
  readonly #policy: BudgetPolicy
  /** Fractions of tokens owed from the round before. */
  #carry: Carry | undefined

  constructor(parts: RoundsParts) {
    const { pool, policy: name } = parts.options
    const policy = policyByName(name)
    invariant(policy.kind === 'policy', () => `pool ${pool}: there is no policy ${name}`)
    this.#parts = parts
    this.#policy = policy.policy
  }

  /** Divides anew, marks whoever gets something else than before, and says what was done. */
  run(now: Micros, members: readonly Member[], number: number): RoundRecord {
    for (const member of members) member.divided = member.heartbeat
    const round = this.#divideTokens(now, members)
    this.#carry = round.carry
    this.#assertSumLaw(round, number)
    applyBudgets(members, round)
    this.#moveMemory(now, members)
    return this.#record(members, round, number)
  }

  #divideTokens(now: Micros, members: readonly Member[]): TokenRound {
    const { options, ledger } = this.#parts
    const { settings, bundles } = options
    const { quarantined } = ledger.totals
    return divideTokens({
      members,
      settings,
      policy: this.#policy,
      wakesIdle: options.policy !== 'kapsl-compat',
      unitsPerToken: (model) =>
        settings.countTokens === 'plain' ? 1 : (options.unitsPerToken.get(model) ?? 1),
      nominalRate: (model) => options.nominalRate.get(model) ?? 1,
      bundles: memoryClaims({ now, members, bundles, quarantined, settings }),
      carry: this.#carry,
    })
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

  #moveMemory(now: Micros, members: readonly Member[]): void {
    const { options, ledger, broker, regime } = this.#parts
    const { bundles, settings } = options
    const { free, quarantined } = ledger.totals
    const leased = (member: Member) => ledger.leasedTo(member.engine)
    const division = divideMemory({ now, members, bundles, quarantined, free, leased, settings })
    members.forEach((member, i) => {
      member.entitledBundles = division.entitlements[i]
    })
    regime.move({ now, members, division, ledger, broker, bundles })
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
