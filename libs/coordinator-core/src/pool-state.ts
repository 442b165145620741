import type { EngineTerms, PoolOrders, PreemptionOutcome, PreemptionRequest } from '@kvasir/contracts'

/**
 * What the next owner of a pool must know of it, packed by the last one. Times are not in it, for clocks are not compared; nor is who
 * holds which bundles, for the device knows better.
 */
export interface PoolState {
  readonly version: 1
  readonly round: number
  /** Terms by model, as operators last set them. */
  readonly terms: readonly (readonly [string, EngineTerms])[]
  readonly members: readonly MemberState[]
  readonly departed: readonly DepartedState[]
  /** Requests without an end: the next owner decides them anew, under the same ids. */
  readonly open: readonly PreemptionRequest[]
  /** How the pool is run, if operators have said it. */
  readonly orders?: PoolOrders
}

interface Numbered {
  readonly engine: string
  readonly incarnation: number
  readonly processedThrough: number
  /** Of the newest document. */
  readonly sequence: number
  /** Outcomes that the engine has not acknowledged. */
  readonly outcomes: readonly PreemptionOutcome[]
}

export interface MemberState extends Numbered {
  readonly model: string
  /** The budget in the newest document: what the engine may spend until it hears something else. */
  readonly tokens: number
  readonly lentTokens: number
  readonly floorTokens: number
}

export type DepartedState = Numbered

/** What an earlier owner packed; undefined when it cannot be read: then the group and the engines say all that is known. */
export function poolStateIn(text: string): PoolState | undefined {
  try {
    const state: PoolState = JSON.parse(text)
    return state.version === 1 ? state : undefined
  } catch {
    return undefined
  }
}
