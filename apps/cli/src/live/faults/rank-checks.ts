import { type DonorsDecisionRecord, STOPPED_FOR_ANOTHER, stoppedWorkLineSchema } from '@kvasir/contracts'
import { type Check, Checking } from './check.js'

/** Work that an engine stopped for a request of another one. */
export interface StoppedWork {
  readonly engine: string
  /** Empty: for no request, the owner took memory back for the pool. */
  readonly request: string
  readonly priorities: readonly number[]
}

/** How often work was at stake, so that a law without a case is not taken for kept. */
export interface RankNumbers {
  /** Donors that owners chose, by the rule that opened them. */
  readonly donors: Readonly<Record<'unused' | 'entitlement' | 'priority', number>>
  /** Sequences that engines stopped, by that rule; `recalled` for no request, `unknown` for one that is in no log any more. */
  readonly stopped: Readonly<Record<'entitlement' | 'priority' | 'recalled' | 'unknown', number>>
}

/** Which work of a donor may be stopped for a request: below this priority. Infinity by the entitlement rule. */
type Bounds = Map<string, number>

/** Law 5, from what owners decided and from what engines then did. */
export class RankChecks {
  readonly #chosen = new Checking(
    '5',
    'owners stop no work that outranks the beneficiary by the priority rule',
  )
  readonly #byPriority = new Checking(
    '5',
    'what engines stopped by the priority rule ranked below the beneficiary',
  )
  readonly #byRule = new Checking('5', 'whatever engines stopped, a rule of its decision named them')
  /** By request, of its donors. */
  readonly #bounds = new Map<string, Bounds>()
  readonly #donors = { unused: 0, entitlement: 0, priority: 0 }
  readonly #stopped = { entitlement: 0, priority: 0, recalled: 0, unknown: 0 }

  /** A decision, in the order of its log. One request may be decided several times: its owner died, or its donors did not give. */
  decided({ request, view, answer }: DonorsDecisionRecord): void {
    const boostOf = (engine: string) => view.engines.find(([id]) => id === engine)?.[9] ?? 0
    const bounds = this.#bounds.get(request.id) ?? new Map<string, number>()
    this.#bounds.set(request.id, bounds)
    for (const [engine, , , rule, ceiling] of answer.donors) {
      this.#donors[rule]++
      if (rule === 'unused') continue
      const below =
        rule === 'entitlement' ? Infinity : request.priority + boostOf(request.engine) - boostOf(engine)
      bounds.set(engine, Math.max(bounds.get(engine) ?? -Infinity, below))
      if (rule === 'priority')
        this.#chosen.that(
          ceiling !== null && ceiling < below,
          () =>
            `${request.id} of priority ${request.priority} stops work of ${ceiling} at ${engine}; allowed is below ${below}`,
        )
    }
  }

  /** What engines did, when all decisions are known. */
  stopped(work: readonly StoppedWork[]): void {
    for (const { engine, request, priorities } of work) {
      const bounds = this.#bounds.get(request)
      if (bounds === undefined) {
        // A store that was emptied has lost the decision with everything else.
        this.#stopped[request === '' ? 'recalled' : 'unknown'] += priorities.length
        continue
      }
      const below = bounds.get(engine)
      for (const priority of priorities) {
        this.#byRule.that(
          below !== undefined,
          () => `${engine} stopped work of ${priority} for ${request}, which had it for no donor`,
        )
        if (below === undefined) continue
        this.#stopped[below === Infinity ? 'entitlement' : 'priority']++
        if (below < Infinity)
          this.#byPriority.that(
            priority < below,
            () => `${engine} stopped work of ${priority} for ${request}; allowed was below ${below}`,
          )
      }
    }
  }

  get results(): readonly Check[] {
    return [this.#chosen, this.#byPriority, this.#byRule].map(({ result }) => result)
  }

  get numbers(): RankNumbers {
    return { donors: this.#donors, stopped: this.#stopped }
  }
}

/** What logs of engines say was stopped. @param text lines of one process: a time, a space, and what it wrote. */
export function stoppedWorkIn(text: string): readonly StoppedWork[] {
  return text.split('\n').flatMap((line) => {
    if (!line.includes(STOPPED_FOR_ANOTHER)) return []
    const { name, request, priorities } = stoppedWorkLineSchema.parse(
      JSON.parse(line.slice(line.indexOf('{'))),
    )
    return [{ engine: name, request, priorities }]
  })
}
