/**
 * Fits arrivals and lengths of the real traces and prints libs/workload/src/defaults.ts' tables:
 *
 *   npx tsc --build && node tools/fit-workload.mjs            (as TypeScript, to paste)
 *   npx tsc --build && node tools/fit-workload.mjs --table    (with the real means beside the fitted ones, to judge the fit)
 *
 * Reads ../shared/data/traces, or $KVASIR_SHARED/data/traces.
 */
import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import {
  createLengthReader,
  createRateReader,
  createTraceReader,
  describeProblem,
  fitArrivals,
  fitDay,
  fitLogNormal,
  fitPauses,
  lawOf,
  meanLength,
  SECONDS_PER_DAY,
} from '@kvasir/workload'

const shared = process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../shared', import.meta.url))

const TRACES = [
  ['azure-conv', 'azure_llm_2023_conv.csv.gz'],
  ['azure-code', 'azure_llm_2023_code.csv.gz'],
  ['mooncake-conversation', 'mooncake_conversation.jsonl.gz'],
  ['mooncake-synthetic', 'mooncake_synthetic.jsonl.gz'],
  ['arena', 'lmsys_arena_27models.csv.gz'],
  ['servegen', 'servegen_4models_2h_derived.csv.gz'],
]
/** A gamma law with a higher coefficient of variation would put dozens of requests into one instant: fit pauses as well. */
const BURSTIEST_CV = 4
/** Of 3 to 30 tried on azure-code, this brings rate, coefficient of variation and dispersion together closest to the trace's. */
const PAUSE_MEAN_GAPS = 20
/** Models of this trace are fitted one by one as well. */
const BY_MODEL = 'servegen'

async function read(file, reader) {
  const rows = []
  const take = (batch) => {
    if (batch.kind === 'failed') throw new Error(`${file}: ${describeProblem(batch.problem)}`)
    for (const row of batch.rows) rows.push(row)
  }
  const stream = createReadStream(`${shared}/data/traces/${file}`).pipe(createGunzip()).setEncoding('utf8')
  for await (const text of stream) take(reader.push(text))
  take(reader.end())
  return rows
}

function groupBy(rows, key) {
  const groups = new Map()
  for (const row of rows) {
    const group = groups.get(key(row)) ?? []
    group.push(row)
    groups.set(key(row), group)
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const round = (value) => Number(value.toPrecision(4))
const roundAll = (fit) =>
  Object.fromEntries(
    Object.entries(fit).map(([key, value]) => [key, Number.isInteger(value) ? value : round(value)]),
  )

function fitTrace(rows) {
  const arrivalsUs = rows.map((row) => row.arrivalUs)
  if (arrivalsUs[0] === undefined) return fitLengths(rows)
  const arrivals = roundAll(fitArrivals(arrivalsUs))
  const pauses =
    arrivals.cv > BURSTIEST_CV ? { pauses: roundAll(fitPauses(arrivalsUs, PAUSE_MEAN_GAPS)) } : {}
  return { arrivals, ...pauses, ...fitLengths(rows) }
}

function fitLengths(rows) {
  return {
    prompt: roundAll(fitLogNormal(rows.map((row) => row.promptTokens))),
    output: roundAll(fitLogNormal(rows.map((row) => row.outputTokens))),
  }
}

const traces = new Map()
for (const [name, file] of TRACES) {
  const rows = await read(file, createTraceReader())
  traces.set(name, { rows, fit: fitTrace(rows) })
  if (name === BY_MODEL)
    for (const [model, part] of groupBy(rows, (row) => row.model))
      traces.set(`${name}/${model}`, { rows: part, fit: fitTrace(part) })
}
const lengths = await read('vidur_arxiv_summarization_lengths.csv.gz', createLengthReader())
traces.set('arxiv-summarization', { rows: lengths, fit: fitTrace(lengths) })

const days = new Map()
for (const [model, samples] of groupBy(
  await read('servegen_rates_10min.csv.gz', createRateReader()),
  (row) => row.model,
)) {
  const points = samples.map(({ atUs, ratePerS }) => ({ atS: atUs / 1e6, ratePerS }))
  days.set(model, roundAll(fitDay(points, SECONDS_PER_DAY)))
}

const show = (value) =>
  JSON.stringify(value)
    .replaceAll(/"(\w+)":/g, ' $1: ')
    .replaceAll('}', ' }')
if (process.argv.includes('--table')) {
  const mean = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0) / rows.length
  const fitted = (fit) => meanLength(lawOf(fit))
  for (const [name, { rows, fit }] of traces)
    console.log(
      `${name}: ${rows.length} rows, rate ${fit.arrivals?.ratePerS ?? '-'} /s, cv ${fit.arrivals?.cv ?? '-'},`,
      `prompt mean ${round(mean(rows, 'promptTokens'))} (fit ${round(fitted(fit.prompt))}),`,
      `output mean ${round(mean(rows, 'outputTokens'))} (fit ${round(fitted(fit.output))})`,
    )
} else {
  for (const [name, { fit }] of traces) console.log(`  ['${name}',${show(fit)}],`)
  for (const [model, fit] of days) console.log(`  ['${model}',${show(fit)}],`)
}
