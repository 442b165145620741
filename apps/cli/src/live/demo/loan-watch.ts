import { BadInput } from '../../bad-input.js'
import { ClusterTrouble } from '../cluster-trouble.js'
import type { CoordinatorClient } from '../coordinator-client.js'

const LOOK_EVERY_MS = 500

export interface LoansSeen {
  /** Tokens of a round lent in one pool, at most. */
  readonly tokensMost: number
  readonly looks: number
  readonly withLoans: number
}

/** Looks at all budgets now and then, and remembers what was lent. */
export class LoanWatch {
  readonly #client: CoordinatorClient
  readonly #timer: NodeJS.Timeout
  #seen: LoansSeen = { tokensMost: 0, looks: 0, withLoans: 0 }

  constructor(client: CoordinatorClient) {
    this.#client = client
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
  }

  stop(): LoansSeen {
    clearInterval(this.#timer)
    return this.#seen
  }

  async #look(): Promise<void> {
    try {
      const byPool = new Map<string, number>()
      for (const { pool, lentTokens } of await this.#client.budgets())
        byPool.set(pool, (byPool.get(pool) ?? 0) + lentTokens)
      const most = Math.max(0, ...byPool.values())
      const { tokensMost, looks, withLoans } = this.#seen
      this.#seen = {
        tokensMost: Math.max(tokensMost, most),
        looks: looks + 1,
        withLoans: withLoans + (most > 0 ? 1 : 0),
      }
    } catch (error) {
      // A look that fails is one look less.
      if (!(error instanceof ClusterTrouble || error instanceof BadInput)) throw error
    }
  }
}
