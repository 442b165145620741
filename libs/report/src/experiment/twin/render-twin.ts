import { factList, htmlPage, plotGrid } from '../../html/page.js'
import { htmlTable } from '../../html/tables.js'
import { cellTableMarkdown } from '../../markdown/cell-table.js'
import { codeSpan, escapeMarkdown } from '../../markdown/escape.js'
import { markup } from '../../markup.js'
import { twinAnswer } from './twin-answer.js'
import { twinPlots } from './twin-plots.js'
import type { TwinReport, TwinRun } from './twin-report.js'
import { twinTables } from './twin-tables.js'

/** Live twins as Markdown, readable as plain text too. */
export function renderTwinMarkdown({ name, question, runs, facts, command }: TwinReport): string {
  const blocks = [
    `# ${escapeMarkdown(name)}, live and simulated`,
    escapeMarkdown(question),
    ...runs.flatMap(runBlocks),
    '## Where it comes from',
    facts.map(({ label, value }) => `- ${escapeMarkdown(label)}: ${escapeMarkdown(value)}`).join('\n'),
    `Measured again by ${codeSpan(command)}.`,
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function runBlocks(run: TwinRun): readonly string[] {
  return [
    `## ${escapeMarkdown(titleOf(run))}`,
    ...twinAnswer(run).map((sentence) => escapeMarkdown(sentence)),
    ...twinTables(run).map(cellTableMarkdown),
  ]
}

/** The same as one HTML file with everything in it, and with distributions drawn. */
export function renderTwinHtml({ name, question, runs, facts, command }: TwinReport): string {
  const sections = runs.map(
    (run) => markup`<section><h2>${titleOf(run)}</h2>
<div class="verdict">${twinAnswer(run).map((sentence) => markup`<p>${sentence}</p>`)}</div>
${plotGrid(twinPlots(run))}
${twinTables(run).map(htmlTable)}</section>`,
  )
  const body = markup`<main>
<header><h1>${name}, live and simulated</h1><p class="subtitle">${question}</p>${factList(facts)}</header>
${sections}
<footer>Kvasir. Measured again by <code>${command}</code>. Percentiles are nearest-rank.</footer>
</main>`
  return htmlPage(name, body)
}

function titleOf({ label }: TwinRun): string {
  return label === '' ? 'Answer' : label
}
