import { type Markup, markup, nothing } from '../markup.js'
import type { ReportFact } from '../model.js'
import type { NamedPlot } from '../plots.js'
import { PAGE_CSS } from './page-css.js'
import { PAGE_SCRIPT } from './script.js'

/** A whole document around `body`: everything inline, nothing from a network. */
export function htmlPage(title: string, body: Markup): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
${markup`<title>${title}</title>`.text}
<style>${PAGE_CSS}</style>
</head>
<body>
${body.text}
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`
}

export function factList(facts: readonly ReportFact[]): Markup {
  if (facts.length === 0) return nothing
  return markup`<dl class="facts">${facts.map((fact) => markup`<div><dt>${fact.label}</dt><dd>${fact.value}</dd></div>`)}</dl>`
}

export function plotGrid(plots: readonly NamedPlot[]): Markup {
  return markup`<div class="plots">${plots.map((plot) => markup`<figure class="${plot.size}">${plot.svg}</figure>`)}</div>`
}
