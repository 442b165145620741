import { writeFileSync } from 'node:fs'
import { cellLabel, type ExperimentPlan, type PlannedRun } from '@kvasir/experiment'
import {
  renderTwinHtml,
  renderTwinMarkdown,
  type ReportFact,
  type TwinReport,
  type TwinRun,
} from '@kvasir/report'
import { BadInput } from '../bad-input.js'
import type { FoundExperiment } from '../experiment/find-experiment.js'
import { beginSession } from '../experiment/provenance.js'
import { ResultFolder } from '../output/result-folder.js'
import { Interrupt } from '../run/interrupt.js'
import type { LiveOptions } from './live-options.js'
import { CALIBRATION, runLiveTwin, VARIATIONS } from './run-live-twin.js'
import { twinJson } from './twin-text.js'
import { twinProblems } from './twin-scenario.js'

/** Names of what is written. */
const TWIN_FILES = { json: 'twin.json', markdown: 'twin.md', html: 'twin.html' } as const

/**
 * Plays every run of an experiment against a live cluster, one after the other, and writes the comparison with its simulation.
 * @throws {BadInput} for what cannot be played live, before anything starts. @throws {ClusterTrouble} when the live side fails.
 */
export async function runLiveExperiment(
  { plan, folder, small }: FoundExperiment,
  path: string,
  options: LiveOptions,
): Promise<TwinReport> {
  checkRuns(plan)
  const results = new ResultFolder(path)
  const abort = new AbortController()
  const interrupt = new Interrupt(() => abort.abort())
  try {
    const runs: TwinRun[] = []
    for (const [i, run] of plan.runs.entries()) {
      const label = plan.runs.length === 1 ? '' : labelOf(plan, run)
      if (label !== '') say(`${i + 1} of ${plan.runs.length}: ${label}`)
      const twin = await runLiveTwin({
        scenario: run.scenario,
        folder,
        ...options,
        calibration: CALIBRATION,
        variations: VARIATIONS,
        signal: abort.signal,
        say,
      })
      runs.push({ label, ...twin })
    }
    const report: TwinReport = {
      name: plan.spec.name,
      question: plan.spec.question,
      runs,
      facts: factsOf(plan, options),
      command: commandOf(plan, small, options),
    }
    writeFileSync(results.file(TWIN_FILES.json), `${twinJson(report, { requests: true })}\n`)
    writeFileSync(results.file(TWIN_FILES.markdown), renderTwinMarkdown(report))
    writeFileSync(results.file(TWIN_FILES.html), renderTwinHtml(report))
    results.commit()
    return report
  } catch (error) {
    results.discard()
    throw error
  } finally {
    interrupt.dispose()
  }
}

function checkRuns(plan: ExperimentPlan): void {
  const problems = plan.cells.flatMap(({ scenario, levels }) => {
    const label = cellLabel(plan, levels)
    return twinProblems(scenario).map((problem) => `${label === '' ? '' : `${label}: `}${problem}`)
  })
  if (problems.length > 0) throw new BadInput([...new Set(problems)])
}

function labelOf(plan: ExperimentPlan, { cell, seed, repetition }: PlannedRun): string {
  const again = plan.spec.repetitions > 1 ? `, repetition ${repetition}` : ''
  const level = cellLabel(plan, plan.cells[cell].levels)
  return `${level === '' ? '' : `${level}, `}seed ${seed}${again}`
}

function factsOf({ seeds }: ExperimentPlan, { target, speed }: LiveOptions): readonly ReportFact[] {
  const { startedAt, commit, dirty, node, host } = beginSession(1)
  return [
    { label: 'seeds', value: seeds.join(', ') },
    {
      label: 'live side',
      value:
        target.kind === 'private'
          ? `a cluster of its own, one coordinator, ${speed} times the speed of the modelled GPUs`
          : `the cluster at ${target.gateway}`,
    },
    { label: 'commit', value: `${commit.slice(0, 12)}${dirty ? ' with changes' : ''}` },
    { label: 'host', value: `${host.cores} cores, ${host.cpu}, ${host.platform}, node ${node}` },
    { label: 'written', value: startedAt },
  ]
}

function commandOf({ spec }: ExperimentPlan, small: boolean, { target, speed }: LiveOptions): string {
  const where =
    target.kind === 'private' ? '' : ` --gateway ${target.gateway} --coordinator ${target.coordinator}`
  const motion = speed === 1 ? '' : ` --speed ${speed}`
  return `kvasir experiment run ${spec.name}${small ? ' --small' : ''} --live${motion}${where}`
}

/** For people; standard output belongs to results. */
function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
