import { writeCsv, writeJsonAtomic, writeTextAtomic } from '@kvasir/event-log'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { type ReportInput, renderHtml, renderMarkdown } from '@kvasir/report'
import type { SimulationResult } from '@kvasir/simulation'
import type { ResultFolder } from '../output/result-folder.js'
import type { FinishedRun } from './run-simulation.js'

/** `summary.json` and `timeseries.csv` of one run; the trace is there already. */
export function writeRun(run: FinishedRun, folder: ResultFolder, prefix: string): void {
  writeJsonAtomic(folder.file(`${prefix}summary.json`), run.summary)
  writeTimeSeries(run.result, folder.file(`${prefix}timeseries.csv`))
}

/** Writes `report.md` and `report.html`. */
export function writeReport(input: ReportInput, folder: ResultFolder, prefix: string): void {
  writeTextAtomic(folder.file(`${prefix}report.md`), renderMarkdown(input))
  writeTextAtomic(folder.file(`${prefix}report.html`), renderHtml(input))
}

function writeTimeSeries({ series }: SimulationResult, path: string): void {
  const header = ['time_s', ...series.columns.map(({ name }) => name)]
  const rows = series.timeUs.map((timeUs, row) => [
    timeUs / MICROS_PER_SECOND,
    ...series.columns.map(({ values }) => values[row]),
  ])
  writeCsv(path, header, rows)
}
