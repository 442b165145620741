import { join } from 'node:path'
import { type ManifestSession, type Manifest, MANIFEST_VERSION } from '@kvasir/contracts'
import { writeJsonAtomic, writeTextAtomic } from '@kvasir/event-log'
import {
  canonicalJson,
  type ExperimentPlan,
  knownRuns,
  metricsOf,
  type PlannedRun,
  type PlanResults,
  resultsOfRuns,
  searchReport,
  type SearchReport,
  type SearchSpace,
  searchState,
} from '@kvasir/experiment'
import { sha256Hex } from '@kvasir/kernel'
import { type ExperimentReport, renderExperimentHtml, renderExperimentMarkdown } from '@kvasir/report'
import { readRecords, readSamples, RESULT_FILES, writeRunTable, writeSampleTable } from '@kvasir/results'
import { experimentReport } from './experiment-report.js'
import { inputFiles } from './provenance.js'

/** What a manifest says besides what the records say. */
export interface ResultFacts {
  readonly plan: ExperimentPlan
  /** Of the plan: done, and still to do. */
  readonly runs: readonly PlannedRun[]
  readonly search: SearchSpace | undefined
  readonly base: unknown
  /** Where the scenario's relative paths start. */
  readonly folder: string
  readonly small: boolean
  readonly seeds: readonly number[]
  readonly status: Manifest['status']
  readonly sessions: readonly ManifestSession[]
}

/** The manifest of what is recorded in `path` so far. */
export function manifestOf(
  path: string,
  facts: ResultFacts,
): { readonly manifest: Manifest; readonly found: PlanResults } {
  const { plan, runs, base, folder, small, seeds, status, sessions } = facts
  const { spec } = plan
  const found = resultsOfRuns(runs, readRecords(path))
  const counts = found.results.flatMap(({ record }) => (record.samples === null ? [] : [record.samples]))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const manifest: Manifest = {
    version: MANIFEST_VERSION,
    experiment: spec.name,
    question: spec.question,
    specHash: sha256Hex(canonicalJson({ spec, base })),
    small,
    status,
    factors: plan.factors.map(({ name, levels }) => ({ name, levels })),
    seeds,
    runs: { planned: found.runs.length, ended: found.results.length, failed: found.failures.length },
    runWallMs: sum(found.results.map(({ summary }) => summary.wallMs)),
    metrics: metricsOf(spec.metrics).map(({ name, path: at, better, unit }) => ({
      name,
      path: at,
      better,
      unit,
    })),
    samples:
      spec.samples === undefined
        ? null
        : {
            perRun: spec.samples.perRun,
            seen: sum(counts.map(({ seen }) => seen)),
            kept: sum(counts.map(({ kept }) => kept)),
          },
    inputs: inputFiles(
      plan.cells.map(({ scenario }) => scenario),
      folder,
    ),
    failures: found.failures.map(({ run, reason }) => ({ run: run.id, reason })),
    answer: [],
    sessions,
  }
  return { manifest, found }
}

/** Writes tables and reports of what is recorded in `path`; the answer is in the manifest that comes back. */
export function writeResults(
  path: string,
  facts: ResultFacts,
): { readonly manifest: Manifest; readonly report: ExperimentReport } {
  const { plan, search } = facts
  const { manifest: bare, found } = manifestOf(path, facts)
  const searched = search && searchOf(path, search)
  const report = experimentReport(path, { plan, manifest: bare, found, searched })
  writeRunTable(path, {
    factors: plan.factors,
    levelsOf: (cell) => plan.cells[cell].levels,
    metrics: report.metrics,
    results: found.results,
  })
  if (searched !== undefined) writeJsonAtomic(join(path, RESULT_FILES.search), searched)
  if (plan.spec.samples !== undefined) {
    const kept = found.results.flatMap(({ run }) => {
      const samples = readSamples(path, run.id)
      return samples === undefined ? [] : [{ run, samples }]
    })
    writeSampleTable(path, kept)
  }
  writeTextAtomic(join(path, RESULT_FILES.markdown), renderExperimentMarkdown(report))
  writeTextAtomic(join(path, RESULT_FILES.html), renderExperimentHtml(report))
  return { manifest: { ...bare, answer: report.answer }, report }
}

/** What a search has found by what is recorded. */
function searchOf(path: string, space: SearchSpace): SearchReport {
  const known = knownRuns(readRecords(path))
  return searchReport(space, searchState(space, known), known)
}
