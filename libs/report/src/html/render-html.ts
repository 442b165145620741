import { invariant } from '@kvasir/kernel'
import { firstOfEachPolicy, othersName, type ShownModels, shownModels } from '../fold-models.js'
import { type Markup, markup, nothing } from '../markup.js'
import type { Comparison, ReportInput, ReportRun } from '../model.js'
import { comparisonBarPlots, comparisonCdfPlots, runCdfPlots, timePlots } from '../plots.js'
import { regimeWarnings } from '../regime.js'
import { keyFigures, modelTable, poolTable } from '../run-tables.js'
import { headline } from '../headline.js'
import { verdictSentences } from '../verdict.js'
import { factList, htmlPage, plotGrid } from './page.js'
import { comparisonTable, htmlTable } from './tables.js'

/** One HTML file with everything in it: light and dark, on a screen and on paper, without a network. */
export function renderHtml(input: ReportInput): string {
  invariant(input.runs.length > 0, () => 'a report needs at least one run')
  const shown = shownModels(input)
  const body = markup`<main>
<header><h1>${input.title}</h1><p class="subtitle">${input.subtitle}</p>${factList(input.facts)}</header>
${input.comparison === undefined ? nothing : comparisonSection(input, input.comparison, shown)}
${firstOfEachPolicy(input.runs).map((run) => runSection(run, input, shown))}
${footer(input)}
</main>`
  return htmlPage(input.title, body)
}

function comparisonSection(input: ReportInput, comparison: Comparison, shown: ShownModels): Markup {
  const [first, ...rest] = [...headline(comparison), ...verdictSentences(comparison)]
  const seeds = new Set(input.runs.map((run) => run.seed)).size
  const spread =
    seeds > 1 ? ` Numbers are means over ${seeds} seeds, with the smallest and the largest below.` : ''
  return markup`<section><h2>Who wins, by how much, and where not</h2>
<div class="verdict"><p>${first}</p>${rest.map((sentence) => markup`<p>${sentence}</p>`)}</div>
${plotGrid(comparisonBarPlots(comparison))}
${comparisonTable(comparison)}
<p class="muted">The same requests under every policy. Bold: best of its row; "best by": over the next best; a tie is a difference below 1 % (0.2 points, 0.005)${seeds > 1 ? ' or within the spread of the seeds' : ''}.${spread}</p>
${comparison.cautions.map((caution) => markup`<p class="caution">${caution}</p>`)}
<h2>Latency by model</h2>
<p class="muted">Share of the finished requests that took at most so long; further left is better.${seeds > 1 ? ' The first seed of each policy.' : ''}${othersRemark(shown)}</p>
${plotGrid(comparisonCdfPlots(input.runs, comparison, shown))}</section>`
}

function runSection(run: ReportRun, input: ReportInput, shown: ShownModels): Markup {
  const content = markup`<div class="figures">${keyFigures(run).map(
    (figure) =>
      markup`<div class="figure"><span>${figure.label}</span><b>${figure.value}</b><span>${figure.detail}</span></div>`,
  )}</div>
${notes(run)}
${plotGrid(timePlots(run, shown))}
${plotGrid(runCdfPlots(run, shown))}
${htmlTable(modelTable(run, input.models))}
${htmlTable(poolTable(run))}`
  if (input.runs.length === 1) return markup`<section><h2>The run</h2>${content}</section>`
  const subject = input.comparison?.policies[input.comparison.subject] ?? input.runs[0].policy
  const isOpen = run === input.runs.find((other) => other.policy === subject)
  return markup`<details${isOpen ? markup` open` : nothing}><summary>${run.policy} <span class="muted">seed ${run.seed}</span></summary>${content}</details>`
}

function notes(run: ReportRun): Markup {
  const all = [
    ...run.notes,
    ...regimeWarnings(run.summary),
    ...run.summary.conditions.map((condition) => `Condition raised: ${condition}.`),
  ]
  if (all.length === 0) return nothing
  return markup`<ul class="notes">${all.map((note) => markup`<li>${note}</li>`)}</ul>`
}

function othersRemark(shown: ShownModels): string {
  return shown.otherCount === 0 ? '' : ` The ${othersName(shown.otherCount)} are in the tables.`
}

function footer(input: ReportInput): Markup {
  const command =
    input.command === undefined ? nothing : markup` Made again by <code>${input.command}</code>.`
  return markup`<footer>Kvasir.${command} Times are virtual unless they say otherwise; percentiles are nearest-rank.</footer>`
}
