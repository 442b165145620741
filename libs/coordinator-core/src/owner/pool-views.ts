import type { BudgetStatus, EngineStatus, PoolView, RoundRecord } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import type { Member } from '../member.js'
import type { PoolMachine } from '../pool-machine.js'
import type { PoolOptions } from '../pool-options.js'

/** How often a pool is shown at most: it changes with every round, and people read slower. */
const VIEW_EVERY_US: Micros = 200_000
/** For how long it is not shown beside documents, which somebody waits for. */
const GIVES_WAY_US: Micros = 200_000

/** Shows a pool to whoever reads it: who is a member, and what the newest round gave them. */
export class PoolViews {
  readonly #pool: PoolOptions
  #round: RoundRecord | undefined
  #nextUs: Micros = 0
  /** What was shown last, as text. */
  #shown = ''

  constructor(pool: PoolOptions) {
    this.#pool = pool
  }

  note(round: RoundRecord): void {
    this.#round = round
  }

  /** The pool as it is now, as text, if it has changed and was not shown lately. @param busy whether engines are told something now. */
  due(now: Micros, machine: PoolMachine, busy: boolean): string | undefined {
    if (now < this.#nextUs + (busy ? GIVES_WAY_US : 0)) return undefined
    this.#nextUs = now + VIEW_EVERY_US
    const text = JSON.stringify(this.#view(machine))
    if (text === this.#shown) return undefined
    this.#shown = text
    return text
  }

  #view(machine: PoolMachine): PoolView {
    const { pool, epoch, policy, settings, bundles } = this.#pool
    const round = this.#round
    return {
      pool: {
        pool,
        epoch,
        round: round?.round ?? 0,
        policy,
        observeOnly: settings.observeOnly,
        bundles,
        ...machine.ledger.totals,
        capacityTokens: round?.capacityTokens ?? 0,
        engines: machine.members.length,
      },
      conditions: round?.conditions ?? [],
      engines: machine.members.map((member) => engineStatus(member, pool, machine)),
      budgets: machine.members.map((member) => budgetStatus(member, pool, round?.round ?? 0)),
    }
  }
}

function engineStatus(member: Member, pool: string, { ledger }: PoolMachine): EngineStatus {
  const { engine, model, incarnation, liveness, heartbeat, tokens, lentTokens } = member
  return {
    engine,
    model,
    pool,
    incarnation,
    liveness,
    leaseBundles: ledger.leasedTo(engine),
    heldBundles: heartbeat?.held ?? 0,
    inUseBundles: heartbeat?.inUse ?? 0,
    demandBundles: heartbeat?.demand.bundles ?? 0,
    budgetTokens: tokens,
    lentTokens,
    demandTokens: heartbeat?.demand.tokens ?? 0,
    spentTokens: heartbeat?.spentTokens ?? 0,
    ...(heartbeat?.growth === undefined ? {} : { growth: heartbeat.growth }),
    ...(heartbeat?.url === undefined ? {} : { url: heartbeat.url }),
  }
}

function budgetStatus(member: Member, pool: string, round: number): BudgetStatus {
  const { engine, model, tokens, lentTokens, floorTokens, heartbeat } = member
  const demandTokens = heartbeat?.demand.tokens ?? 0
  return { pool, engine, model, round, tokens, lentTokens, floor: floorTokens, demandTokens }
}
