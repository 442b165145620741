import type { Manifest } from '@kvasir/contracts'
import {
  answerSentences,
  estimateCells,
  type ExperimentPlan,
  judgeComparisons,
  metricsOf,
  type PlanResults,
  type SearchReport,
  searchSentences,
} from '@kvasir/experiment'
import type { ExperimentReport, ReportFact, ReportRun } from '@kvasir/report'
import { readDrawing } from '@kvasir/results'
import { spanText } from './experiment-progress.js'

/** Everything a report says, from what has ended so far. */
export function experimentReport(
  path: string,
  {
    plan,
    manifest,
    found,
    searched,
  }: {
    readonly plan: ExperimentPlan
    readonly manifest: Manifest
    readonly found: PlanResults
    readonly searched: SearchReport | undefined
  },
): ExperimentReport {
  const metrics = metricsOf(plan.spec.metrics)
  const verdicts = judgeComparisons(plan, found.results)
  return {
    plan,
    metrics,
    results: found.results,
    estimates: estimateCells(found.results, metrics),
    verdicts,
    ...(searched === undefined
      ? { answer: answerSentences(plan, verdicts) }
      : { search: searched, answer: searchSentences(searched, namesOf(plan.spec.factors)) }),
    drawings: drawingsOf(path, found),
    facts: provenanceFacts(manifest),
    cautions: cautionsOf(manifest, plan),
    command: `kvasir experiment ${searched === undefined ? 'run' : 'optimise'} ${manifest.experiment}${manifest.small ? ' --small' : ''}`,
  }
}

function namesOf(factors: ExperimentPlan['spec']['factors']): readonly string[] {
  return factors.map(({ name }) => name)
}

function drawingsOf(path: string, { results }: PlanResults): ExperimentReport['drawings'] {
  return results.flatMap(({ run, summary, record }) => {
    const text = record.hasDrawing ? readDrawing(path, run.id) : undefined
    if (text === undefined) return []
    const drawing: Omit<ReportRun, 'summary'> = JSON.parse(text)
    return [{ cell: run.cell, run: { ...drawing, summary } }]
  })
}

function provenanceFacts(manifest: Manifest): readonly ReportFact[] {
  const { factors, seeds, runs, specHash, sessions, samples, inputs, runWallMs } = manifest
  const last = sessions.at(-1)
  const commits = [
    ...new Set(sessions.map(({ commit, dirty }) => `${commit.slice(0, 12)}${dirty ? ' with changes' : ''}`)),
  ]
  return [
    ...factors.map(({ name, levels }) => ({ label: name, value: levels.join(', ') })),
    { label: 'seeds', value: seeds.join(', ') },
    {
      label: 'runs',
      value: `${runs.ended} of ${runs.planned}${runs.failed > 0 ? `, ${runs.failed} failed` : ''}; ${spanText(runWallMs)} one after the other`,
    },
    ...(samples === null
      ? []
      : [
          {
            label: 'samples',
            value: `${samples.kept} of ${samples.seen} requests, drawn evenly, ${samples.perRun} a run at most`,
          },
        ]),
    ...inputs.map(({ file, sha256 }) => ({ label: file, value: `SHA-256 ${sha256.slice(0, 12)}` })),
    { label: 'specification', value: `SHA-256 ${specHash.slice(0, 12)}` },
    { label: 'commit', value: commits.join(', ') },
    ...(last === undefined
      ? []
      : [
          {
            label: 'host',
            value: `${last.host.cores} cores, ${last.host.cpu}, ${last.host.platform}, node ${last.node}, ${last.workers} workers`,
          },
        ]),
  ]
}

function cautionsOf(manifest: Manifest, { spec }: ExperimentPlan): readonly string[] {
  const { runs, sessions, status, small, failures } = manifest
  const commits = new Set(sessions.map(({ commit }) => commit))
  const missing = runs.planned - runs.ended - runs.failed
  return [
    ...(small ? ['The small version: it shows that the experiment works, not what its answer is.'] : []),
    ...(status === 'complete' || missing === 0
      ? []
      : [`Not complete: ${missing} of ${runs.planned} runs are missing.`]),
    ...failures.slice(0, 5).map(({ run, reason }) => `Run ${run} failed and is left out: ${reason}`),
    ...(commits.size > 1 ? [`Runs of ${commits.size} commits are mixed.`] : []),
    ...(sessions.some(({ dirty }) => dirty) ? ['The code had changes that no commit has.'] : []),
    ...(spec.repetitions > 1 ? ['Repetitions of a seed are averaged: seeds are what is independent.'] : []),
  ]
}
