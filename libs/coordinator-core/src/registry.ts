import type { EngineTerms, Join } from '@kvasir/contracts'
import { compareIds, type Micros } from '@kvasir/kernel'
import { type CarriedOutcome, type Member, newMember } from './member.js'
import type { DepartedState, MemberState, PoolState } from './pool-state.js'

/** What is kept of an engine that is a member no more, so that nothing it has said counts twice. */
export interface Departed {
  readonly engine: string
  readonly incarnation: number
  readonly processedThrough: number
  /** Of the newest document sent under this name; documents of a later membership continue from it. */
  sequence: number
  readonly outcomes: readonly CarriedOutcome[]
}

/** Who is, and who was, a member of the pool, and on which terms. */
export class Registry {
  readonly #terms: Map<string, EngineTerms>
  #termsSet = 0
  /** Sorted by engine id, so that no decision depends on who joined first. */
  #members: readonly Member[] = []
  readonly #byEngine = new Map<string, Member>()
  /** By engine: there are as many as names, and names come from operators. */
  readonly #departed = new Map<string, Departed>()

  /** @param terms by model, as registered. */
  constructor(terms: ReadonlyMap<string, EngineTerms>) {
    this.#terms = new Map(terms)
  }

  get members(): readonly Member[] {
    return this.#members
  }

  /** Registered, sorted. */
  get models(): readonly string[] {
    return [...this.#terms.keys()].sort(compareIds)
  }

  /** How often terms were set. */
  get termsSet(): number {
    return this.#termsSet
  }

  find(engine: string): Member | undefined {
    return this.#byEngine.get(engine)
  }

  departed(engine: string): Departed | undefined {
    return this.#departed.get(engine)
  }

  /** An operator's change of one model: it holds for its engines from the next round on, but a new priority at once. */
  setTerms(model: string, terms: EngineTerms): void {
    this.#terms.set(model, terms)
    this.#termsSet++
    for (const member of this.#members) {
      if (member.model !== model) continue
      member.dirty ||= member.terms.priority !== terms.priority
      member.terms = terms
    }
  }

  /** Whether a join is of a registered model and newer than all that was heard under its name. */
  welcomes(join: Join): boolean {
    if (!this.#terms.has(join.model)) return false
    const member = this.#byEngine.get(join.engine)
    if (member) return join.incarnation > member.incarnation
    const past = this.#departed.get(join.engine)
    if (!past || join.incarnation > past.incarnation) return true
    return join.incarnation === past.incarnation && join.number > past.processedThrough
  }

  /** Takes in an engine that is welcome and has no member under its name; null when it is not welcome. */
  add(now: Micros, join: Join): Member | null {
    const terms = this.#terms.get(join.model)
    if (!terms || !this.welcomes(join)) return null
    const member = newMember(now, join, terms, this.#departed.get(join.engine)?.sequence ?? 0)
    this.#members = [...this.#members, member].sort((a, b) => compareIds(a.engine, b.engine))
    this.#byEngine.set(member.engine, member)
    this.#departed.delete(member.engine)
    return member
  }

  /** Takes in an engine as the last owner of the pool knew it. */
  restore(now: Micros, known: MemberState): Member | null {
    const { engine, incarnation, model, processedThrough, sequence, outcomes } = known
    const join: Join = { kind: 'join', engine, incarnation, model, number: processedThrough }
    const member = this.add(now, join)
    if (!member) return null
    // Documents of the new epoch count from where those of the last one ended: no engine has seen a higher number.
    member.sequence = sequence
    member.tokens = known.tokens
    member.lentTokens = known.lentTokens
    member.floorTokens = known.floorTokens
    member.outcomes = outcomes.map((outcome) => ({ outcome, sequence: 0 }))
    return member
  }

  /** What the last owner knew of an engine that was no member any more. */
  restoreDeparted({ outcomes, ...known }: DepartedState): void {
    this.#departed.set(known.engine, {
      ...known,
      outcomes: outcomes.map((outcome) => ({ outcome, sequence: 0 })),
    })
  }

  /** What the next owner must know of members and of those who were. */
  pack(): Pick<PoolState, 'terms' | 'members' | 'departed'> {
    return {
      terms: [...this.#terms],
      members: this.#members.map(memberState),
      departed: [...this.#departed.values()].map(departedState),
    }
  }

  remove(member: Member): void {
    const { engine, incarnation, processedThrough, sequence, outcomes } = member
    this.#members = this.#members.filter((other) => other !== member)
    this.#byEngine.delete(engine)
    this.#departed.set(engine, { engine, incarnation, processedThrough, sequence, outcomes })
  }
}

// Every commit packs every member: fields by name, for a spread of them costs ten times as much.
function memberState(member: Member): MemberState {
  return {
    engine: member.engine,
    incarnation: member.incarnation,
    processedThrough: member.processedThrough,
    sequence: member.sequence,
    outcomes: member.outcomes.map(({ outcome }) => outcome),
    model: member.model,
    tokens: member.tokens,
    lentTokens: member.lentTokens,
    floorTokens: member.floorTokens,
  }
}

function departedState({
  engine,
  incarnation,
  processedThrough,
  sequence,
  outcomes,
}: Departed): DepartedState {
  return { engine, incarnation, processedThrough, sequence, outcomes: outcomes.map(({ outcome }) => outcome) }
}
