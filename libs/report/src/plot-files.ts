import { firstOfEachPolicy, shownModels } from './fold-models.js'
import type { ReportInput, ReportRun } from './model.js'
import { comparisonBarPlots, comparisonCdfPlots, type NamedPlot, runCdfPlots, timePlots } from './plots.js'
import { PLOT_CSS, THEME_CSS } from './svg/theme.js'

/** A plot as a file of its own. */
export interface PlotFile {
  /** Good for a file on any system, ends in `.svg`. */
  readonly name: string
  readonly svg: string
}

/** All plots of a report as SVG files, light or dark as the viewer is; `renderMarkdown` refers to them. */
export function renderPlotFiles(input: ReportInput): readonly PlotFile[] {
  const shown = shownModels(input)
  const files = firstOfEachPolicy(input.runs).flatMap((run) =>
    [...timePlots(run, shown), ...runCdfPlots(run, shown)].map((plot) =>
      file(plotFileName(plot.name, run), plot),
    ),
  )
  if (input.comparison === undefined) return files
  const { comparison } = input
  return [
    ...[...comparisonBarPlots(comparison), ...comparisonCdfPlots(input.runs, comparison, shown)].map((plot) =>
      file(plotFileName(plot.name), plot),
    ),
    ...files,
  ]
}

export function plotFileName(plot: string, run?: ReportRun): string {
  const owner = run === undefined ? '' : `${run.policy.replace(/[^A-Za-z0-9-]+/g, '-')}-${run.seed}-`
  return `${owner}${plot}.svg`
}

function file(name: string, plot: NamedPlot): PlotFile {
  const style = `<style>${THEME_CSS}\nsvg{background:var(--card)}\n${PLOT_CSS}</style>`
  // The script's values are of no use without the page.
  const bare = plot.svg.text.replace(/ data-hover="[^"]*"/, '')
  return { name, svg: `${bare.replace('>', `>${style}`)}\n` }
}
