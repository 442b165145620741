import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { FITTED_DAYS, FITTED_TRACES } from './defaults.js'
import { dispersion, fitArrivals, fitDay, fitLogNormal, fitPauses } from './fitting/fit.js'
import { createLengthReader } from './formats/length-reader.js'
import { describeProblem } from './formats/problem.js'
import type { PushReader } from './formats/push-reader.js'
import { createRateReader } from './formats/rate-reader.js'
import { createTraceReader } from './formats/trace-reader.js'
import { architecturesByPopularity } from './models/model-map.js'
import { ARENA_REQUESTS } from './models/arena-models.js'
import type { LengthPair, RequestRecord } from './request.js'

const shared = process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../../../shared', import.meta.url))
const present = existsSync(`${shared}/data/traces/README.md`)
if (!present)
  console.warn(`SKIPPED: no real traces at ${shared}/data/traces; set KVASIR_SHARED to the folder above data`)

/** Pushes a gzip file in chunks that cut lines anywhere. */
function read<Row>(file: string, reader: PushReader<Row>): readonly Row[] {
  const bytes = readFileSync(`${shared}/data/${file}`)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const chunkChars = 65_521
  const rows: Row[] = []
  for (let at = 0; at <= text.length; at += chunkChars) {
    const batch =
      at + chunkChars >= text.length
        ? finish(reader, text.slice(at))
        : [reader.push(text.slice(at, at + chunkChars))]
    for (const part of batch) {
      if (part.kind === 'failed') throw new Error(`${file}: ${describeProblem(part.problem)}`)
      for (const row of part.rows) rows.push(row)
    }
  }
  return rows
}

function finish<Row>(reader: PushReader<Row>, text: string) {
  return [reader.push(text), reader.end()]
}

function sums(rows: readonly LengthPair[]): readonly [rows: number, prompt: number, output: number] {
  let prompt = 0
  let output = 0
  for (const { promptTokens, outputTokens } of rows) {
    prompt += promptTokens
    output += outputTokens
  }
  return [rows.length, prompt, output]
}

const round = (value: number) => Number(value.toPrecision(4))
const rounded = (fit: object) =>
  Object.fromEntries(Object.entries(fit).map(([key, value]) => [key, round4(value)]))
const round4 = (value: number) => (Number.isInteger(value) ? value : round(value))

/** Rows and sums as awk adds them up; rows and means are those of shared/data/traces/README.md. */
const TRACES = [
  ['azure-conv', 'azure_llm_2023_conv.csv.gz', 'normalised', 19_366, 22_361_870, 4_088_665],
  ['azure-code', 'azure_llm_2023_code.csv.gz', 'normalised', 8_819, 18_059_974, 245_896],
  ['mooncake-conversation', 'mooncake_conversation.jsonl.gz', 'mooncake', 12_031, 144_793_823, 4_122_048],
  ['mooncake-synthetic', 'mooncake_synthetic.jsonl.gz', 'mooncake', 3_993, 61_194_628, 595_432],
  ['arena', 'lmsys_arena_27models.csv.gz', 'arena', 1_500, 204_398, 384_297],
  ['servegen', 'servegen_4models_2h_derived.csv.gz', 'servegen', 379_456, 185_521_820, 49_184_408],
] as const

describe.skipIf(!present)('the real traces', () => {
  it.each(TRACES)('%s is read to the last row, and fits its defaults', (name, file, format, ...expected) => {
    const reader = createTraceReader()
    const records = read(`traces/${file}`, reader)
    expect(reader.format).toBe(format)
    expect(sums(records)).toEqual(expected)
    expect(reader.counts).toMatchObject({
      records: records.length,
      badLines: 0,
      raisedPrompts: 0,
      raisedOutputs: 0,
    })
    expect(records.every((record, i) => i === 0 || record.arrivalUs >= records[i - 1].arrivalUs)).toBe(true)
    const arrivalsUs = records.map((record) => record.arrivalUs)
    expect(rounded(fitArrivals(arrivalsUs))).toEqual(FITTED_TRACES.get(name)?.arrivals)
    if (name === 'azure-code')
      expect(rounded(fitPauses(arrivalsUs, 20))).toEqual(FITTED_TRACES.get(name)?.pauses)
    expectFitted(name, records)
    if (name === 'servegen')
      for (const model of ['m-small', 'm-mid', 'm-large', 'deepseek-r1'])
        expectFitted(
          `servegen/${model}`,
          records.filter((record) => record.model === model),
        )
    if (name === 'arena') expectPopularity(records)
  })

  it('the Azure traces have the dispersion that their README states', () => {
    const perSecond = (file: string) =>
      dispersion(
        read(file, createTraceReader()).map(({ arrivalUs }) => arrivalUs),
        1e6,
      )
    expect(perSecond('traces/azure_llm_2023_conv.csv.gz')).toBeCloseTo(1.39, 1)
    expect(perSecond('traces/azure_llm_2023_code.csv.gz')).toBeCloseTo(13.18, 1)
  })

  it('the Mooncake conversation has the prefix reuse that its README states', () => {
    const blocks = new Set<number>()
    let prompt = 0
    let reused = 0
    for (const { promptTokens, prefixBlocks = [], prefixBlockTokens } of read(
      'traces/mooncake_conversation.jsonl.gz',
      createTraceReader(),
    )) {
      prompt += promptTokens
      for (const [i, block] of prefixBlocks.entries()) {
        if (blocks.has(block)) reused += Math.min(prefixBlockTokens, promptTokens - i * prefixBlockTokens)
        blocks.add(block)
      }
    }
    expect(blocks.size).toBe(182_790)
    expect(Math.round((1_000 * reused) / prompt) / 10).toBe(37.4)
  })

  it('the arXiv lengths are read as lengths', () => {
    const pairs = read('traces/vidur_arxiv_summarization_lengths.csv.gz', createLengthReader())
    expect(sums(pairs)).toEqual([28_257, 73_131_321, 8_234_948])
    expectFitted('arxiv-summarization', pairs)
  })

  it('the rates of ServeGen are read as curves, and fit the default days', () => {
    const samples = read('traces/servegen_rates_10min.csv.gz', createRateReader())
    expect(samples).toHaveLength(6_336)
    for (const [model, day] of FITTED_DAYS) {
      const curve = samples.filter((sample) => sample.model === model)
      const points = curve.map(({ atUs, ratePerS }) => ({ atS: atUs / 1e6, ratePerS }))
      expect(rounded(fitDay(points, 86_400))).toEqual(day)
    }
  })

  it("the seed engine's benchmark is read as an LLMSched file", () => {
    const reader = createTraceReader()
    const records = read('seed-workloads/llm-inference-engine-1000.jsonl', reader)
    expect(reader.format).toBe('llmsched')
    // shared/reference/prior-systems.md §4.1.
    expect(sums(records)).toEqual([1_000, 50_467, 13_904])
  })

  function expectFitted(name: string, pairs: readonly LengthPair[]): void {
    const fit = FITTED_TRACES.get(name)
    expect(rounded(fitLogNormal(pairs.map((pair) => pair.promptTokens)))).toEqual(fit?.prompt)
    expect(rounded(fitLogNormal(pairs.map((pair) => pair.outputTokens)))).toEqual(fit?.output)
  }

  function expectPopularity(records: readonly RequestRecord[]): void {
    const counts = new Map<string, number>()
    for (const { model = '' } of records) counts.set(model, (counts.get(model) ?? 0) + 1)
    const ranked = architecturesByPopularity([...counts], ['any']).map(([model]) => [
      model,
      counts.get(model),
    ])
    expect(ranked).toEqual(ARENA_REQUESTS)
  }
})
