import type { RefusalBody } from '@kvasir/contracts'

/** Why an operator's request is not carried out, as it is answered. */
export class Refusal extends Error {
  readonly status: number
  readonly body: RefusalBody
  /** When to ask again, s. */
  readonly retryAfterS: number | undefined

  private constructor(status: number, error: RefusalBody['error'], retryAfterS?: number) {
    super(error.message)
    this.status = status
    this.body = { error }
    this.retryAfterS = retryAfterS
  }

  static badInput(message: string): Refusal {
    return new Refusal(400, { code: 'bad_input', message })
  }

  static unknown(message: string): Refusal {
    return new Refusal(404, { code: 'unknown', message })
  }

  /** The change was made on another revision than the newest. */
  static stale(what: string, basis: number | undefined, revision: number): Refusal {
    const made = basis === undefined ? 'others change it at the same time' : `the change was made on ${basis}`
    const message = `${what} is at revision ${revision}, and ${made}; read it again and decide anew`
    return new Refusal(409, { code: 'stale_revision', message, revision })
  }

  static inUse(message: string): Refusal {
    return new Refusal(409, { code: 'in_use', message })
  }

  static unavailable(message: string): Refusal {
    return new Refusal(503, { code: 'unavailable', message }, 1)
  }
}
