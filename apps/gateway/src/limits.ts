export interface LimitOptions {
  /** Requests of one tenant under way at most. */
  readonly tenantLimit: number
  readonly totalLimit: number
}

export type Entry =
  /** `leave` is called once, when the request has ended. */
  | { readonly kind: 'entered'; leave(): void }
  | { readonly kind: 'refused'; readonly reason: 'tenant_limit' | 'total_limit'; readonly limit: number }
  /** The gateway is about to stop. */
  | { readonly kind: 'closed' }

/** How many requests are under way, all told and of each tenant. */
export class Limits {
  readonly #options: LimitOptions
  readonly #underWay = new Map<string, number>()
  #total = 0
  #closed = false
  #idle: (() => void) | undefined

  constructor(options: LimitOptions) {
    this.#options = options
  }

  get total(): number {
    return this.#total
  }

  enter(tenant: string): Entry {
    if (this.#closed) return { kind: 'closed' }
    const { tenantLimit, totalLimit } = this.#options
    if (this.#total >= totalLimit) return { kind: 'refused', reason: 'total_limit', limit: totalLimit }
    const count = this.#underWay.get(tenant) ?? 0
    if (count >= tenantLimit) return { kind: 'refused', reason: 'tenant_limit', limit: tenantLimit }
    this.#total++
    this.#underWay.set(tenant, count + 1)
    return { kind: 'entered', leave: () => this.#leave(tenant) }
  }

  /** Resolves when nothing is under way, or after `withinMs`. From now on nothing enters. */
  idle(withinMs: number): Promise<void> {
    this.#closed = true
    if (this.#total === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
      setTimeout(resolve, withinMs).unref()
    })
  }

  #leave(tenant: string): void {
    this.#total--
    if (this.#total === 0) this.#idle?.()
    const count = (this.#underWay.get(tenant) ?? 1) - 1
    if (count === 0) this.#underWay.delete(tenant)
    else this.#underWay.set(tenant, count)
  }
}
