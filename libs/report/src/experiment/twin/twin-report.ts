import type { PathCost, Quiet, TwinComparison, TwinSides, TwinVerdict } from '@kvasir/experiment'
import type { ReportFact } from '../../model.js'

/** What the report of live twins is made of: scenarios that were played in real time and simulated. */
export interface TwinReport {
  readonly name: string
  readonly question: string
  readonly runs: readonly TwinRun[]
  /** Where the numbers come from. */
  readonly facts: readonly ReportFact[]
  /** The command that measures it again. */
  readonly command: string
}

export interface TwinRun {
  /** Levels and seed; empty for the only one. */
  readonly label: string
  readonly sides: TwinSides
  readonly comparison: TwinComparison
  readonly verdict: TwinVerdict
  /** What the live path was measured to take, and the simulation was told. */
  readonly costs: readonly PathCost[]
  readonly quiet: Quiet
  /** Live decisions that come out the same when they are taken again by the simulator's code. */
  readonly takenAgain: number
  /** How much too late a request was sent at most, real microseconds. */
  readonly sentLateUs: number
  /** Load average of the last minute, and cores. */
  readonly load: readonly [number, number]
}
