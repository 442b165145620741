import { join } from 'node:path'
import { COMPARISON_VERSION, type ComparisonFile, type PolicyName, type Scenario } from '@kvasir/contracts'
import { writeJsonAtomic } from '@kvasir/event-log'
import {
  compareRuns,
  headline,
  renderComparisonText,
  type ReportInput,
  type ReportRun,
  verdictSentences,
} from '@kvasir/report'
import { planCluster, type PlannedCluster } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { profiledPlan } from '../input/kernel-profile.js'
import { ResultFolder } from '../output/result-folder.js'
import { Interrupt } from '../run/interrupt.js'
import { createProgress } from '../run/progress.js'
import type { SimulateFlags } from './flags.js'
import { type PreparedWorkload, prepareWorkload } from './prepare-workload.js'
import { clusterFacts, groupsText, reportRun } from './report-input.js'
import { type ResolvedScenario, resolveScenario } from './resolve-scenario.js'
import { describeRun } from './result-text.js'
import { type PlannedRun, plannedRuns } from './run-list.js'
import { type FinishedRun, runSimulation } from './run-simulation.js'
import { writeReport, writeRun } from './write-run.js'

/** Where the command speaks: results to one, everything else to the other. */
export interface Terminal {
  readonly out: NodeJS.WriteStream
  readonly notes: NodeJS.WriteStream
}

/** What is the same for all runs of an invocation. */
interface Job {
  readonly flags: SimulateFlags
  readonly scenario: Scenario
  readonly workload: PreparedWorkload
  readonly runs: readonly PlannedRun[]
  readonly plans: readonly PlannedCluster[]
  readonly folder: ResultFolder
  readonly command: string
}

interface Outcome {
  readonly planned: PlannedRun
  readonly run: FinishedRun
  readonly report: ReportRun
}

/**
 * The command: from options to files and a table. Everything that can be wrong with the input is found before a
 * folder is made.
 * @returns true when every run went to its end.
 * @throws {BadInput}
 */
export async function simulate(flags: SimulateFlags, terminal: Terminal, command: string): Promise<boolean> {
  const resolved = await resolveScenario(flags)
  const workload = await prepareWorkload(resolved, flags)
  const { scenario } = resolved
  const runs = plannedRuns(scenario, flags)
  const plans = runs.map((run) =>
    plannedCluster(resolved, run, resolved.byDemand ? workload.demand : undefined),
  )
  const say = (line: string) => terminal.notes.write(`${line}\n`)
  for (const note of [...workload.notes, ...plans[0].notes, ...groupNotes(plans[0])]) say(note)
  const folder = new ResultFolder(flags.out ?? join('out', scenario.name))
  const job: Job = { flags, scenario, workload, runs, plans, folder, command }
  const interrupt = new Interrupt()
  try {
    const outcomes = await runAll(job, interrupt)
    const text =
      runs.length > 1 ? finishComparison(job, outcomes, terminal) : finishSingle(job, outcomes[0], terminal)
    folder.commit()
    terminal.out.write(`${text}\n`)
    const complete = outcomes.length === runs.length && outcomes.every(({ run }) => !run.interrupted)
    if (!complete) say('interrupted: what had been simulated by then is written')
    say(`results in ${folder.path}`)
    return complete
  } catch (error) {
    folder.discard()
    throw error
  } finally {
    interrupt.dispose()
  }
}

function plannedCluster(
  { scenario, folder }: ResolvedScenario,
  run: PlannedRun,
  demand: PreparedWorkload['demand'] | undefined,
): PlannedCluster {
  const planning = planCluster({ ...scenario, policy: run.policy, seed: run.seed }, demand)
  if (planning.kind === 'refused') throw new BadInput(planning.problems)
  const { plan, notes } = planning.value
  return { plan: profiledPlan(plan, scenario, folder), notes }
}

function groupNotes({ plan }: PlannedCluster): string[] {
  const engines = `${plan.engines.length} ${plan.engines.length === 1 ? 'engine' : 'engines'}`
  const models = `${plan.models.length} ${plan.models.length === 1 ? 'model' : 'models'}`
  return [`${groupsText(plan)}; ${engines} of ${models}`]
}

/** One run after the other; after Ctrl-C those that were begun. */
async function runAll(job: Job, interrupt: Interrupt): Promise<readonly Outcome[]> {
  const { flags, scenario, workload, runs, plans, folder } = job
  const outcomes: Outcome[] = []
  for (const [i, planned] of runs.entries()) {
    if (interrupt.asked) break
    const title = runs.length > 1 ? `${i + 1}/${runs.length} ${planned.prefix.slice(0, -1)}` : scenario.name
    const endUs = scenario.stopAtS ?? scenario.durationS
    const goal = { requests: workload.requests, endUs: endUs === undefined ? undefined : endUs * 1e6 }
    const path = folder.file(`${planned.prefix}trace.jsonl`)
    const run = await runSimulation({
      plan: plans[i].plan,
      scenario: { ...scenario, policy: planned.policy, seed: planned.seed },
      workload,
      trace: flags.writeTrace
        ? { path, detail: flags.traceDetail, llmsched: flags.llmschedTrace }
        : undefined,
      decisions: decisionsPath(job, planned),
      progress: createProgress(title, goal),
      interrupt,
    })
    const report = reportRun(run, [...workload.notes, ...plans[i].notes])
    const outcome = { planned, run, report }
    writeRun(run, folder, planned.prefix)
    writeReport(reportInput(job, plans[i], [outcome]), folder, planned.prefix)
    outcomes.push(outcome)
  }
  return outcomes
}

/** Where nobody coordinates nobody decides either: one free list, and turns in a circle. */
function decisionsPath({ flags, folder }: Job, { policy, prefix }: PlannedRun): string | undefined {
  if (!flags.writeDecisions || policy === 'uncoordinated') return undefined
  return folder.file(`${prefix}decisions.jsonl.gz`)
}

function finishSingle(job: Job, { run }: Outcome, terminal: Terminal): string {
  return job.flags.json
    ? JSON.stringify(run.summary, null, 2)
    : describeRun(run.summary, { ansi: hasStyle(terminal) })
}

/** Compares what ran, whatever was left out by Ctrl-C. */
function finishComparison(job: Job, outcomes: readonly Outcome[], terminal: Terminal): string {
  const { scenario, folder, plans } = job
  const input = reportInput(job, plans[0], outcomes)
  const comparison = compareRuns(input.runs, { subject: subjectOf(outcomes), models: input.models })
  writeReport({ ...input, comparison }, folder, '')
  const file: ComparisonFile = {
    version: COMPARISON_VERSION,
    scenario: scenario.name,
    question: scenario.question ?? null,
    seeds: [...new Set(outcomes.map(({ planned }) => planned.seed))],
    policies: comparison.policies,
    subject: comparison.subject,
    verdict: [...headline(comparison), ...verdictSentences(comparison)],
    rows: comparison.rows,
    cautions: comparison.cautions,
    runs: outcomes.map(({ planned, run }) => ({ folder: planned.prefix.slice(0, -1), summary: run.summary })),
  }
  writeJsonAtomic(folder.file('comparison.json'), file)
  if (job.flags.json) return JSON.stringify(file, null, 2)
  const question = scenario.question === undefined ? [] : [scenario.question, '']
  const table = renderComparisonText(comparison, { emphasis: hasStyle(terminal) ? 'ansi' : 'marks' })
  return [...question, ...headline(comparison), '', table].join('\n')
}

const OURS: PolicyName = 'weighted-max-min'

/** The verdict is about our own policy where it took part, else about the first. */
function subjectOf(outcomes: readonly Outcome[]): string {
  const policies = outcomes.map(({ planned }) => planned.policy)
  return policies.includes(OURS) ? OURS : policies[0]
}

function reportInput(job: Job, { plan }: PlannedCluster, outcomes: readonly Outcome[]): ReportInput {
  const policies = [...new Set(outcomes.map(({ planned }) => planned.policy))]
  return {
    title: job.scenario.name,
    subtitle: job.scenario.question ?? policies.join(', '),
    facts: clusterFacts(plan),
    models: plan.models.map(({ name }) => name),
    runs: outcomes.map(({ report }) => report),
    command: job.command,
  }
}

function hasStyle({ out }: Terminal): boolean {
  return out.isTTY && process.env['NO_COLOR'] === undefined
}
