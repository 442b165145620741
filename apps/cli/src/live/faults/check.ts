/** One thing that must hold, how often it was looked at, and what was seen against it. */
export interface Check {
  /** Number of the law (DESIGN §9), or what else it is. */
  readonly law: string
  readonly what: string
  readonly checked: number
  readonly violations: readonly string[]
}

/** Collects what is seen while something is checked. */
export class Checking {
  readonly #law: string
  readonly #what: string
  #checked = 0
  readonly #violations: string[] = []

  constructor(law: string, what: string) {
    this.#law = law
    this.#what = what
  }

  that(holds: boolean, otherwise: () => string): void {
    this.#checked++
    if (!holds) this.#violations.push(otherwise())
  }

  get result(): Check {
    return { law: this.#law, what: this.#what, checked: this.#checked, violations: this.#violations }
  }
}
