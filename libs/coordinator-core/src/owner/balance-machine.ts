import type { CoordinatorPresence } from '@kvasir/contracts'
import { compareIds, type Machine, type Micros } from '@kvasir/kernel'
import { spreadHash } from './spread.js'
import { togetherUs } from './together.js'

/** Actor in whose store coordinators say that they are there. Nobody owns it. */
export const PRESENCE_ACTOR = '#coordinators'

/** How often a coordinator says that it is there, and looks who else is. */
const LOOK_US: Micros = 1_000_000
/** A coordinator that has said nothing new for so long is not there. */
const GONE_US: Micros = 2_500_000
/**
 * For how long nothing must have changed before an office is handed over: an earlier one has found its owner by then, and who came and
 * went at once is known to be gone.
 */
const SETTLE_US: Micros = 3_000_000
/** How long a vacant office is left to those who have fewer: longer than they take to see it. */
const RELUCTANCE_US: Micros = 600_000
/** Difference from which an office is handed over: a smaller one would only turn round. */
const UNEVEN = 2

export type BalanceInput =
  | { readonly kind: 'wake' }
  /** The offices of this process at present. */
  | { readonly kind: 'held'; readonly offices: readonly string[] }
  /** What coordinators have said last, this one too. */
  | { readonly kind: 'seen'; readonly presences: readonly CoordinatorPresence[] }

export type BalanceEffect =
  /** To be written where the others look, and they to be looked at. */
  | { readonly kind: 'say'; readonly presence: CoordinatorPresence }
  | { readonly kind: 'hand_over'; readonly actor: string }
  /** For how long a vacant office is left to others from now on. */
  | { readonly kind: 'reluctance'; readonly waitUs: Micros }

interface Other {
  readonly presence: CoordinatorPresence
  readonly movedUs: Micros
}

/**
 * Sees to it that offices do not stay where the last failure put them: who has the most hands one over in order while another live
 * coordinator has fewer by two or more. One at a time, and only when nothing has changed for a while, so each move makes the spread
 * more even and none is taken back. Who lives is judged by watching it move, on one's own clock.
 */
export class BalanceMachine implements Machine<BalanceInput, BalanceEffect> {
  readonly #coordinator: string
  readonly #others = new Map<string, Other>()
  #offices: readonly string[] = []
  #beat = 0
  #sayUs: Micros = 0
  /** Who had how many when it was looked at last, and since when. */
  #spread = ''
  #settledUs: Micros = 0
  #reluctanceUs: Micros = 0

  constructor(coordinator: string) {
    this.#coordinator = coordinator
  }

  nextDeadline(): Micros {
    return this.#sayUs
  }

  step(now: Micros, input: BalanceInput): readonly BalanceEffect[] {
    switch (input.kind) {
      case 'wake':
        return now >= this.#sayUs ? [this.#say(now)] : []
      case 'held':
        this.#offices = input.offices
        // The others build on what they read.
        return [this.#say(now)]
      case 'seen':
        for (const presence of input.presences) this.#note(now, presence)
        return this.#judge(now)
    }
  }

  #say(now: Micros): BalanceEffect {
    this.#sayUs = togetherUs(now, LOOK_US)
    const presence = { coordinator: this.#coordinator, beat: ++this.#beat, offices: this.#offices }
    return { kind: 'say', presence }
  }

  #note(now: Micros, presence: CoordinatorPresence): void {
    const { coordinator, beat } = presence
    if (coordinator === this.#coordinator) return
    const known = this.#others.get(coordinator)
    if (known?.presence.beat === beat) return
    // What is read for the first time may be of somebody long dead: it counts once it has moved.
    this.#others.set(coordinator, { presence, movedUs: known ? now : -Infinity })
  }

  #judge(now: Micros): readonly BalanceEffect[] {
    const counts = this.#counts(now)
    const spread = counts.map(({ coordinator, offices }) => `${coordinator} ${offices}`).join('\n')
    if (spread !== this.#spread) {
      this.#spread = spread
      this.#settledUs = now + SETTLE_US
    }
    const [fewest] = counts
    const most = counts[counts.length - 1]
    const uneven = most.offices - fewest.offices >= UNEVEN
    const effects = this.#beReluctant(uneven && this.#offices.length > fewest.offices)
    if (!uneven || most.coordinator !== this.#coordinator || now < this.#settledUs) return effects
    this.#settledUs = now + SETTLE_US
    return [...effects, { kind: 'hand_over', actor: this.#officeFor(fewest.coordinator) }]
  }

  /** Those who are there and how many offices each has, the fewest first; equal ones by name, so that all see one order. */
  #counts(now: Micros): { readonly coordinator: string; readonly offices: number }[] {
    const live = [...this.#others.values()]
      .filter(({ movedUs }) => now - movedUs <= GONE_US)
      .map(({ presence: { coordinator, offices } }) => ({ coordinator, offices: offices.length }))
    const own = { coordinator: this.#coordinator, offices: this.#offices.length }
    return [...live, own].sort((a, b) => a.offices - b.offices || compareIds(a.coordinator, b.coordinator))
  }

  #beReluctant(reluctant: boolean): readonly BalanceEffect[] {
    const waitUs = reluctant ? RELUCTANCE_US : 0
    if (waitUs === this.#reluctanceUs) return []
    this.#reluctanceUs = waitUs
    return [{ kind: 'reluctance', waitUs }]
  }

  /** The one that the other would ask for first. */
  #officeFor(coordinator: string): string {
    const wish = (actor: string) => spreadHash(`${coordinator}/${actor}`)
    return [...this.#offices].sort((a, b) => wish(a) - wish(b))[0]
  }
}
