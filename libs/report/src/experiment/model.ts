import type {
  CellEstimate,
  ExperimentPlan,
  Metric,
  RunResult,
  SearchReport,
  Verdict,
} from '@kvasir/experiment'
import type { ReportFact, ReportRun } from '../model.js'

/** What the report of an experiment is made of. Plain data, collected by whoever ran it. */
export interface ExperimentReport {
  readonly plan: Pick<ExperimentPlan, 'spec' | 'factors' | 'cells'>
  readonly metrics: readonly Metric[]
  readonly results: readonly RunResult[]
  readonly estimates: readonly CellEstimate[]
  readonly verdicts: readonly Verdict[]
  /** Of an experiment that looks for a setting; its axes are the last factors of the plan. */
  readonly search?: SearchReport
  /** The answer to the question, sentence by sentence. */
  readonly answer: readonly string[]
  /** What is drawn of single runs: of the first seed, one a cell at most. */
  readonly drawings: readonly { readonly cell: number; readonly run: ReportRun }[]
  /** Where the numbers come from. */
  readonly facts: readonly ReportFact[]
  /** Why numbers may not be what they seem. */
  readonly cautions: readonly string[]
  /** The command that makes the same results again. */
  readonly command: string
}
