import { factList, htmlPage, plotGrid } from '../html/page.js'
import { htmlTable } from '../html/tables.js'
import { type Markup, markup, nothing } from '../markup.js'
import { drawnSpots, type DrawnSpot, fairnessPlot, heatMapPlot, metricPlots } from './experiment-plots.js'
import { estimateTable, verdictTable } from './experiment-tables.js'
import { FAULT_NOTE, faultTable } from './fault-table.js'
import type { ExperimentReport } from './model.js'
import { recordedTables } from './recorded-tables.js'
import { frontPlot, searchTables } from './search-tables.js'

/** The report of an experiment as one HTML file with everything in it. */
export function renderExperimentHtml(report: ExperimentReport): string {
  const { spec } = report.plan
  const body = markup`<main>
<header><h1>${spec.name}</h1><p class="subtitle">${spec.question}</p>${factList(report.facts)}</header>
${answerSection(report)}
${searchSection(report)}<section><h2>Measured</h2>
${plotGrid([...metricPlots(report), ...fairnessPlot(report), ...heatMapPlot(report)])}
${htmlTable(estimateTable(report))}
<p class="muted">Intervals by bootstrap over the seeds. ↑ more is better, ↓ less is better.</p></section>
${faultSection(report)}${report.verdicts.length === 0 ? nothing : markup`<section><h2>Compared</h2>${htmlTable(verdictTable(report))}</section>`}
${recordedSection(report)}${runsSection(drawnSpots(report))}
<footer>Kvasir. Made again by <code>${report.command}</code>. Times are virtual unless they say otherwise; percentiles are nearest-rank.</footer>
</main>`
  return htmlPage(spec.name, body)
}

function answerSection({ answer, cautions }: ExperimentReport): Markup {
  const sentences =
    answer.length === 0
      ? nothing
      : markup`<div class="verdict">${answer.map((sentence) => markup`<p>${sentence}</p>`)}</div>`
  return markup`<section><h2>Answer</h2>${sentences}${cautions.map((caution) => markup`<p class="caution">${caution}</p>`)}</section>`
}

function searchSection(report: ExperimentReport): Markup {
  const tables = searchTables(report)
  if (tables.length === 0) return nothing
  return markup`<section><h2>Found</h2>${tables.map(htmlTable)}${plotGrid(frontPlot(report))}</section>
`
}

function faultSection(report: ExperimentReport): Markup {
  const table = faultTable(report)
  if (table === undefined) return nothing
  return markup`<section><h2>Faults</h2>${htmlTable(table)}<p class="muted">${FAULT_NOTE}</p></section>
`
}

function recordedSection(report: ExperimentReport): Markup {
  const tables = recordedTables(report)
  if (tables.length === 0) return nothing
  return markup`<section><h2>Beside the numbers of others</h2>${tables.map(htmlTable)}</section>
`
}

function runsSection(spots: readonly DrawnSpot[]): Markup {
  if (spots.length === 0) return nothing
  const details = spots.map(
    ({ label, cdfs, levels }) => markup`<details><summary>${label === '' ? 'All runs' : label}</summary>
<h3>Latency by model</h3><p class="muted">Share of the finished requests that took at most so long; further left is better.</p>${plotGrid(cdfs)}
${levels.map(({ name, plots }) => markup`<h3>${name}</h3>${plotGrid(plots)}`)}</details>`,
  )
  return markup`<section><h2>Single runs, of the first seed</h2>${details}</section>`
}
